# syntax=docker/dockerfile:1

# Both stages must name the same image: the virtual environment points at its Python. A release, which
# is a build that names its REVISION, takes it by digest and is refused without:
#   docker buildx imagetools inspect python:3.11-slim-trixie --format '{{.Manifest.Digest}}'
#   --build-arg PYTHON_IMAGE=python:3.11-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
ARG PYTHON_IMAGE
ARG REVISION=unknown
RUN case "${REVISION}:${PYTHON_IMAGE}" in \
      unknown:*|*@sha256:????????????????????????????????????????????????????????????????) ;; \
      *) echo "A release needs its base image by digest: --build-arg PYTHON_IMAGE=${PYTHON_IMAGE}@sha256:..." >&2; exit 1 ;; \
    esac
# No pip inside the environment that ships: the running service can't install anything into it.
RUN python -m venv --without-pip /opt/tillgate
# The locks come before the code, so that a change of code does not install everything again.
COPY requirements.lock requirements-build.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements-build.lock \
 && pip --python /opt/tillgate/bin/python install --require-hashes --no-deps --only-binary :all: \
        -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service ./service
# The build backend is the locked one: without isolation pip fetches no other.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/tillgate/bin/python install --no-deps --no-index /wheels/tillgate-*.whl \
 && pip --python /opt/tillgate/bin/python check

FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tillgate" \
      org.opencontainers.image.description="The payment-session service that a team runs next to its checkout" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/tillgate /opt/tillgate
# Bytecode was compiled at the build: nothing is written at run time, the root may be read-only.
ENV PATH=/opt/tillgate/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production
# Empty and owned by root: no .env is picked up by accident, nothing can be written.
WORKDIR /srv
# A number, because Kubernetes can't tell whether a name is root (runAsNonRoot).
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# http.client ignores HTTP_PROXY, so a proxy of the environment can't answer for the service.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/live'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["tillgate", "serve", "--host", "0.0.0.0", "--port", "8000"]
