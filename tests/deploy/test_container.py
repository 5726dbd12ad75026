"""The Dockerfile, what it is allowed to see, the locks it installs, and the compose file."""

import json
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from service.settings import variables
from service.wiring import ALL_JOBS
from tests.deploy.manifests import BASE, ROOT, containers, documents, find, render
from tests.deploy.server import answering
from tests.deploy.test_kubernetes import SECRET_NAME
from tests.support.patience import IN_TIME

PINNED = f"python:3.11-slim-trixie@sha256:{'ab' * 32}"

LOCKS = (
    "requirements.lock",
    "requirements-build.lock",
    "requirements-dev.lock",
    "requirements-run.lock",
    "bench/peers/requirements.lock",
)


def _instructions() -> list[tuple[str, str]]:
    """Return (instruction, arguments) of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _stage(name: str) -> list[tuple[str, str]]:
    instructions = _instructions()
    start = next(
        at
        for at, (word, rest) in enumerate(instructions)
        if word == "FROM" and rest.endswith(f" AS {name}")
    )
    rest = instructions[start + 1 :]
    end = next((at for at, (word, _) in enumerate(rest) if word == "FROM"), len(rest))
    return [pair for pair in rest[:end] if pair[0]]


def _arguments(stage: str, instruction: str) -> list[str]:
    return [rest for word, rest in _stage(stage) if word == instruction]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text()))


def test_the_image_runs_as_a_numeric_user_that_is_not_root_as_the_manifests_do() -> None:
    (user,) = _arguments("runtime", "USER")
    pod = find(render(BASE), "Deployment", "tillgate")["spec"]["template"]["spec"]
    context = pod["securityContext"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert user == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_the_final_stage_installs_nothing_so_it_has_no_compiler() -> None:
    assert _arguments("runtime", "RUN") == []
    assert _arguments("runtime", "COPY") == ["--from=build /opt/tillgate /opt/tillgate"]
    stages = [rest for word, rest in _instructions() if word == "FROM"]
    assert stages == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE} AS runtime"]
    (image,) = [rest for word, rest in _instructions() if word == "ARG" and "IMAGE=" in rest]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", image)


@pytest.mark.parametrize(
    ("revision", "image", "built"),
    [
        ("unknown", "python:3.11-slim-trixie", True),
        ("unknown", PINNED, True),
        ("3e64db1", PINNED, True),
        ("3e64db1", "python:3.11-slim-trixie", False),
        ("3e64db1", "python:3.11-slim-trixie@sha256:cafe", False),
        ("", "python:3.11-slim-trixie", False),
    ],
)
def test_a_release_is_built_on_a_digest_only(revision: str, image: str, built: bool) -> None:
    """The shell of the build stage is run as it stands; taken out, everything is built."""
    (check,) = [rest for rest in _arguments("build", "RUN") if "PYTHON_IMAGE" in rest]
    environment = {"REVISION": revision, "PYTHON_IMAGE": image}
    run = subprocess.run(
        ["/bin/sh", "-c", check], env=environment, check=False, capture_output=True, text=True
    )
    assert (run.returncode == 0) is built
    assert ("by digest" in run.stderr) is not built
    assert {"PYTHON_IMAGE", "REVISION=unknown"} <= set(_arguments("build", "ARG"))


def test_everything_that_is_installed_is_locked_by_hash_and_built_nowhere() -> None:
    commands = [
        part.strip() for rest in _arguments("build", "RUN") for part in rest.split("&&") if part
    ]
    for command in (found for found in commands if re.search(r"\bpip\b.* install ", found)):
        if " -r " in command:
            assert "--require-hashes" in command
            assert "--only-binary :all:" in command
        else:
            assert "--no-index" in command
            assert "--no-deps" in command
    (wheel,) = [command for command in commands if " wheel " in command]
    assert "--no-build-isolation" in wheel
    assert not any("apt" in command for command in commands)


def test_the_embedded_mongod_is_not_in_the_runtime_lock() -> None:
    assert "fiftyone" not in (ROOT / "requirements.lock").read_text()
    assert "fiftyone" in (ROOT / "requirements-dev.lock").read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ |/tmp", text)
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[.+\])?==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_lock_of_the_peers_in_javascript_pins_by_hash_and_names_no_address() -> None:
    text = (ROOT / "bench/peers/package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all("integrity" in one for name, one in packages.items() if name)


def test_the_image_starts_the_production_server_on_the_port_that_the_pods_name() -> None:
    (command,) = _arguments("runtime", "CMD")
    (exposed,) = _arguments("runtime", "EXPOSE")
    web = dict(containers(render(BASE)))["Deployment/tillgate/tillgate"]
    assert json.loads(command) == [
        *("tillgate", "serve", "--host", "0.0.0.0", "--port", exposed),  # noqa: S104
    ]
    assert web["ports"][0]["containerPort"] == int(exposed)
    assert "command" not in web
    assert any("ENVIRONMENT=production" in rest for rest in _arguments("runtime", "ENV"))


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (404, False), (503, False)])
def test_the_health_check_is_python_and_believes_only_a_200(status: int, healthy: bool) -> None:
    (check,) = _arguments("runtime", "HEALTHCHECK")
    python, *command = json.loads(check.partition(" CMD ")[2])
    with answering(status) as server:
        # Replaced by name: `python` of the image is the interpreter of this test.
        local = [part.replace("8000", str(server.port)) for part in command]
        run = subprocess.run([sys.executable, *local], check=False, timeout=IN_TIME)
    assert python == "python"
    assert server.requests == [("GET", "/health/live", None)]
    assert (run.returncode == 0) is healthy


def test_version_and_licence_of_the_image_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (labels,) = _arguments("runtime", "LABEL")
    assert f"VERSION={project['version']}" in _arguments("runtime", "ARG")
    assert f'org.opencontainers.image.licenses="{project["license"]}"' in labels
    assert f'org.opencontainers.image.description="{project["description"]}"' in labels
    for name, container in containers(render(BASE)):
        assert container["image"] == f"tillgate:{project['version']}", name


def test_the_build_sees_only_the_files_that_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        path.removeprefix("./")
        for rest in _arguments("build", "COPY")
        for path in rest.split()[:-1]
    }
    assert rules[0] == "*"
    assert allowed == copied
    assert all((ROOT / path).exists() for path in copied)


def test_mongod_of_the_compose_file_is_a_replica_set_that_is_made_once(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    mongo, initiate = services["mongo"], services["mongo-initiate"]
    command = mongo["command"]
    name = command[command.index("--replSet") + 1]
    assert f'rs.initiate({{_id: "{name}"' in initiate["command"][-1]
    assert "mongo:27017" in initiate["command"][-1]
    assert initiate["restart"] == "no"
    assert initiate["depends_on"] == {"mongo": {"condition": "service_healthy"}}
    assert "healthcheck" in mongo
    for service in ("tillgate", "indexes"):
        uri = services[service]["environment"]["MONGODB_URI"]
        assert uri == f"mongodb://mongo:27017/?replicaSet={name}"


def test_mongod_of_the_compose_file_is_reached_by_nobody_outside(compose: dict[str, Any]) -> None:
    mongo = compose["services"]["mongo"]
    assert "ports" not in mongo
    assert mongo["networks"] == ["database"]
    assert compose["networks"]["database"] == {"internal": True}


def test_the_service_starts_after_the_replica_set_and_its_indexes(compose: dict[str, Any]) -> None:
    done = {"condition": "service_completed_successfully"}
    services = compose["services"]
    assert services["indexes"]["command"] == ["tillgate", "migrate"]
    assert services["indexes"]["depends_on"] == {"mongo-initiate": done}
    assert services["tillgate"]["depends_on"] == {"indexes": done}


def test_the_service_of_the_compose_file_is_in_production_mode_and_confined(
    compose: dict[str, Any],
) -> None:
    for name in ("tillgate", "indexes", "jobs"):
        service = compose["services"][name]
        assert service["environment"]["ENVIRONMENT"] == "production", name
        assert service["environment"].keys() <= variables().keys(), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert compose["services"]["tillgate"]["ports"] == ["127.0.0.1:8000:8000"]


def test_each_container_of_the_compose_file_gets_the_secrets_that_it_needs(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    secret = {variable for variable in variables() if SECRET_NAME.search(variable)}
    held = {
        name: secret & service.get("environment", {}).keys() for name, service in services.items()
    }
    assert [name for name, service in services.items() if "env_file" in service] == ["tillgate"]
    assert services["tillgate"]["env_file"] == "../.env"
    assert {name: found for name, found in held.items() if found} == {
        "tillgate": {"MONGODB_URI"},
        "indexes": {"MONGODB_URI"},
        "jobs": {"API_JOBS_KEYS"},
    }
    assert services["jobs"]["environment"]["API_JOBS_KEYS"].startswith("${API_JOBS_KEYS:?")
    hosts = {
        service["environment"].get("MONGODB_PLAIN_HOSTS")
        for service in services.values()
        if "MONGODB_URI" in service.get("environment", {})
    }
    assert hosts == {"mongo"}


def test_only_redis_waits_for_its_profile(compose: dict[str, Any]) -> None:
    profiles = {name: service.get("profiles") for name, service in compose["services"].items()}
    assert {name for name, found in profiles.items() if found} == {"redis"}
    assert profiles["redis"] == ["redis"]


def test_the_jobs_of_the_compose_file_are_called_as_the_cron_jobs_do(
    compose: dict[str, Any],
) -> None:
    called = {about: about.every for about in ALL_JOBS if about.every is not None}
    _, _, code, *calls = compose["services"]["jobs"]["command"]
    assert calls == [
        f"{every.total_seconds():.0f} http://tillgate:8000{about.route}"
        for about, every in called.items()
    ]
    job = documents(BASE / "cronjob-cleanup.yaml")[0]["spec"]["jobTemplate"]["spec"]
    (cron,) = job["template"]["spec"]["containers"]
    key = next(line.strip() for line in cron["command"][2].splitlines() if "os.environ" in line)
    assert key in code
    assert "$" not in code, "compose would read it as a variable"
    compile(code, "compose.yaml", "exec")
