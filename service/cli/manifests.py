"""The CronJob of a job: what calls its route, by its schedule, with the jobs key alone."""

from importlib.metadata import version
from string import Template

from service.jobs.operations.job import About

_CRON_JOB = Template(
    """\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: tillgate-${name}
  namespace: tillgate
  labels:
    app.kubernetes.io/name: tillgate
    app.kubernetes.io/component: jobs
spec:
  schedule: "${cron}"
  timeZone: Etc/UTC
  # The service holds a lease too; Forbid saves the second pod.
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 120
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 1
      activeDeadlineSeconds: 280
      template:
        metadata:
          labels:
            app.kubernetes.io/name: tillgate
            app.kubernetes.io/component: jobs
        spec:
          serviceAccountName: tillgate
          automountServiceAccountToken: false
          enableServiceLinks: false
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            runAsGroup: 10001
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: call
              image: tillgate:${version}
              imagePullPolicy: IfNotPresent
              # The first key of the list, without its name. Anything but a 2xx fails the Job;
              # a proxy of the environment never sees the key.
              command:
                - python
                - -c
                - |
                  import os, sys, httpx
                  key = os.environ["API_JOBS_KEYS"].split(",")[0].rpartition(":")[2].strip()
                  answer = httpx.post(
                      sys.argv[1],
                      headers={"Authorization": f"Bearer {key}"},
                      timeout=120,
                      trust_env=False,
                  )
                  print(answer.status_code, answer.text)
                  sys.exit(not answer.is_success)
              args: ["http://tillgate${route}"]
              # The jobs key alone: no database, no provider.
              env:
                - name: API_JOBS_KEYS
                  valueFrom:
                    secretKeyRef:
                      name: tillgate-secrets
                      key: API_JOBS_KEYS
              resources:
                requests:
                  cpu: 20m
                  memory: 64Mi
                limits:
                  memory: 128Mi
              securityContext:
                privileged: false
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: ["ALL"]
"""
)


def cron_job(about: About) -> str:
    """Return the manifest of a job that is called by the clock, as YAML.

    Raises `ValueError` for a schedule that cron can't say.
    """
    return _CRON_JOB.substitute(
        name=about.name, cron=about.cron, route=about.route, version=version("tillgate")
    )
