"""The manifests are valid, and say what they should: checked on the base and on the overlay."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import kubernetes_validate
import pytest
from msgspec.structs import replace

from service.cli.manifests import cron_job
from service.core.errors import Misconfigured
from service.notifications.mail.operations import unsubscribe
from service.recovery.operations import links
from service.settings import load_settings, variables
from service.web.client.builds import builds
from service.web.pages.assets import SHARED
from service.wiring import ALL_JOBS
from tests.deploy.manifests import (
    BASE,
    EXAMPLE,
    KUBERNETES,
    PAGES,
    Manifest,
    containers,
    documents,
    documents_in,
    find,
    of_kind,
    pod_templates,
    render,
    variables_of,
)
from tests.deploy.server import answering
from tests.support.api import Api
from tests.support.patience import IN_TIME

FOLDERS = [pytest.param(BASE, id="base"), pytest.param(EXAMPLE, id="example")]
SECRET = KUBERNETES / "secret.template.yaml"
OLDEST_KUBERNETES = "1.29"
SECRET_NAME = re.compile(r"SECRET|PASSWORD|PEPPER|SALT_KEY|API_\w+_KEYS|MONGODB_URI|REDIS_URL|SMTP")
PROBE_ROUTES = {
    "startupProbe": "/health/live",
    "livenessProbe": "/health/live",
    "readinessProbe": "/health/ready",
}


@pytest.fixture(params=FOLDERS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return render(request.param)


@pytest.fixture
def secret() -> dict[str, str]:
    return dict(documents(SECRET)[0]["stringData"])


def _web(manifests: list[Manifest]) -> Manifest:
    return dict(find(manifests, "Deployment", "tillgate")["spec"]["template"]["spec"])


def _policy(manifests: list[Manifest], name: str) -> Manifest:
    return dict(find(manifests, "NetworkPolicy", name)["spec"])


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
def test_every_manifest_fits_the_published_schema(manifests: list[Manifest], version: str) -> None:
    for manifest in [*manifests, *render(PAGES), *documents(SECRET)]:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_a_misspelt_field() -> None:
    deployment = find(render(BASE), "Deployment", "tillgate")
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, OLDEST_KUBERNETES, strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
@pytest.mark.parametrize("folder", FOLDERS)
def test_kubectl_renders_what_these_tests_render(folder: Path) -> None:
    command = ["kubectl", "kustomize", "--output", "/dev/stdout", str(folder)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True, timeout=IN_TIME)
    unhashed = re.sub(r"tillgate-config-[a-z0-9]{10}\b", "tillgate-config", rendered.stdout)

    def by_name(manifest: Manifest) -> str:
        return f"{manifest['kind']} {manifest['metadata']['name']}"

    def comparable(found: list[Manifest]) -> str:
        return json.dumps(sorted(found, key=by_name), sort_keys=True, indent=1)

    assert comparable(documents_in(unhashed)) == comparable(render(folder))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_kustomization_lists_every_file_of_its_folder(folder: Path) -> None:
    text = (folder / "kustomization.yaml").read_text()
    unlisted = [
        path.name
        for path in folder.iterdir()
        if path.name != "kustomization.yaml" and not re.search(rf"\b{path.name}\b", text)
    ]
    assert unlisted == []


def test_every_pod_runs_as_a_numeric_user_that_is_not_root(manifests: list[Manifest]) -> None:
    for name, template in pod_templates(manifests):
        context = template["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["runAsGroup"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name


def test_every_container_has_a_read_only_root_and_no_privilege(manifests: list[Manifest]) -> None:
    found = dict(containers(manifests))
    assert len(found) == 2 + sum(about.every is not None for about in ALL_JOBS)
    for name, container in found.items():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["privileged"] is False, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name


def test_no_pod_carries_a_token_or_hears_of_other_services(manifests: list[Manifest]) -> None:
    account = find(manifests, "ServiceAccount", "tillgate")
    assert account["automountServiceAccountToken"] is False
    for name, template in pod_templates(manifests):
        assert template["spec"]["serviceAccountName"] == "tillgate", name
        assert template["spec"]["automountServiceAccountToken"] is False, name
        assert template["spec"]["enableServiceLinks"] is False, name


def test_the_namespace_enforces_the_restricted_standard(manifests: list[Manifest]) -> None:
    labels = find(manifests, "Namespace", "tillgate")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_the_probes_ask_the_health_routes_on_the_port_that_serves(
    manifests: list[Manifest],
) -> None:
    (web,) = _web(manifests)["containers"]
    assert [port["name"] for port in web["ports"]] == ["http"]
    for probe, route in PROBE_ROUTES.items():
        assert web[probe]["httpGet"] == {"path": route, "port": "http"}, probe


def test_a_stopping_pod_waits_for_balancers_and_then_for_requests(
    manifests: list[Manifest],
) -> None:
    pod = _web(manifests)
    command, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(seconds) + 30


def test_a_rollout_never_has_fewer_pods_and_leaves_their_number_to_the_autoscaler(
    manifests: list[Manifest],
) -> None:
    spec = find(manifests, "Deployment", "tillgate")["spec"]
    scaler = find(manifests, "HorizontalPodAutoscaler", "tillgate")["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in spec
    assert scaler["minReplicas"] >= 2
    assert scaler["scaleTargetRef"]["name"] == "tillgate"


def test_service_budget_and_spread_select_the_web_pods_only(manifests: list[Manifest]) -> None:
    labels = {"app.kubernetes.io/name": "tillgate", "app.kubernetes.io/component": "web"}
    selecting = [
        find(manifests, "Service", "tillgate")["spec"]["selector"],
        find(manifests, "PodDisruptionBudget", "tillgate")["spec"]["selector"]["matchLabels"],
        find(manifests, "Deployment", "tillgate")["spec"]["selector"]["matchLabels"],
        *[s["labelSelector"]["matchLabels"] for s in _web(manifests)["topologySpreadConstraints"]],
    ]
    carrying = [
        name
        for name, template in pod_templates(manifests)
        if labels.items() <= template["metadata"]["labels"].items()
    ]
    assert all(selector == labels for selector in selecting)
    assert carrying == ["Deployment/tillgate"]


def test_every_variable_of_the_settings_stands_either_in_the_config_or_in_the_secret(
    manifests: list[Manifest], secret: dict[str, str]
) -> None:
    config = find(manifests, "ConfigMap", "tillgate-config")["data"]
    assert config.keys() & secret.keys() == set()
    assert config.keys() | secret.keys() == variables().keys()


def test_the_deployment_takes_its_variables_from_config_and_secret_only(
    manifests: list[Manifest],
) -> None:
    (web,) = _web(manifests)["containers"]
    assert web.get("env", []) == []
    assert web["envFrom"] == [
        {"configMapRef": {"name": "tillgate-config"}},
        {"secretRef": {"name": "tillgate-secrets"}},
    ]


def test_what_is_secret_stands_in_the_secret(manifests: list[Manifest]) -> None:
    config = find(manifests, "ConfigMap", "tillgate-config")["data"]
    leaked = [
        name for name in config if SECRET_NAME.search(name) and name != "API_PUBLISHABLE_KEYS"
    ]
    assert leaked == []


def test_no_secret_has_a_value_that_could_be_real(secret: dict[str, str]) -> None:
    assert set(secret.values()) == {"", "REPLACE"}
    assert of_kind(render(BASE), "Secret") == []
    assert of_kind(render(EXAMPLE), "Secret") == []


def test_a_placeholder_that_was_forgotten_is_refused_and_named(
    secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    placeholders = [name for name, value in secret.items() if value == "REPLACE"]
    for name in placeholders:
        monkeypatch.setenv(name, secret[name])
    with pytest.raises(Misconfigured) as refusal:
        load_settings(env_files=())
    refused = {problem.field for problem in refusal.value.problems}
    # Any text could be an address; mongod's is refused when it is opened.
    assert refused == set(placeholders) - {"MONGODB_URI"}


def test_the_config_of_the_overlay_can_be_loaded_with_good_secrets(
    secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in find(render(EXAMPLE), "ConfigMap", "tillgate-config")["data"].items():
        monkeypatch.setenv(name, value)
    for name in (name for name, value in secret.items() if value):
        monkeypatch.setenv(name, "x" * 32)
    settings = load_settings(env_files=())
    assert settings.production
    assert settings.web.public_url == "https://pay.shop.example"


def test_the_overlay_names_its_proxies_for_limits_by_address() -> None:
    assert variables_of(EXAMPLE / "config.env")["TRUSTED_PROXIES"]


def test_the_cron_jobs_are_those_that_the_command_prints() -> None:
    """After a change: `tillgate jobs manifests`, one file for each."""
    for about in ALL_JOBS:
        file = BASE / f"cronjob-{about.name}.yaml"
        assert file.exists() is (about.every is not None), file
        if about.every is not None:
            assert file.read_text() == cron_job(about)


def test_control_another_schedule_is_another_manifest() -> None:
    (cleanup,) = (about for about in ALL_JOBS if about.name == "cleanup")
    seldom = replace(cleanup, every=timedelta(minutes=10))
    text = (BASE / "cronjob-cleanup.yaml").read_text()
    assert cron_job(seldom) == text.replace("*/5", "*/10") != text


def test_every_cron_job_sends_the_jobs_key_and_is_bounded(manifests: list[Manifest]) -> None:
    called = [about for about in ALL_JOBS if about.every is not None]
    jobs = of_kind(manifests, "CronJob")
    assert [job["metadata"]["name"] for job in jobs] == [f"tillgate-{one.name}" for one in called]
    for job, about in zip(jobs, called, strict=True):
        spec, run = job["spec"], job["spec"]["jobTemplate"]["spec"]
        (container,) = run["template"]["spec"]["containers"]
        source = {"secretKeyRef": {"name": "tillgate-secrets", "key": "API_JOBS_KEYS"}}
        assert container["env"] == [{"name": "API_JOBS_KEYS", "valueFrom": source}]
        assert "envFrom" not in container
        assert container["args"] == [f"http://tillgate{about.route}"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["startingDeadlineSeconds"] >= 10
        assert spec["successfulJobsHistoryLimit"] == 1
        assert spec["failedJobsHistoryLimit"] >= 1
        assert run["activeDeadlineSeconds"] < 300
        assert spec["schedule"] == about.cron


def test_sessions_expire_within_five_minutes(manifests: list[Manifest]) -> None:
    schedule = find(manifests, "CronJob", "tillgate-cleanup")["spec"]["schedule"]
    minutes = re.fullmatch(r"\*/(\d+) \* \* \* \*", schedule)
    assert minutes is not None
    assert int(minutes[1]) <= 5


@pytest.mark.parametrize(
    ("status", "succeeds"), [(200, True), (204, True), (302, False), (401, False), (503, False)]
)
def test_the_cron_jobs_command_posts_the_first_key_and_fails_on_anything_but_success(
    status: int, succeeds: bool
) -> None:
    job = find(render(BASE), "CronJob", "tillgate-cleanup")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    python, *command = container["command"]
    environment = {
        "PATH": os.environ["PATH"],
        "API_JOBS_KEYS": "cron:jk_first, jk_second",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    with answering(status) as server:
        address = container["args"][0].replace("//tillgate/", f"//127.0.0.1:{server.port}/")
        run = subprocess.run(
            [sys.executable, *command, address],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=IN_TIME,
        )
    assert python == "python"
    assert server.requests == [("POST", "/api/cleanup-sessions", "Bearer jk_first")]
    assert (run.returncode == 0) is succeeds
    assert str(status) in run.stdout


def test_the_indexes_are_applied_by_a_job_of_the_same_image(manifests: list[Manifest]) -> None:
    (container,) = find(manifests, "Job", "tillgate-indexes")["spec"]["template"]["spec"][
        "containers"
    ]
    images = {container["image"] for _, container in containers(manifests)}
    assert container["command"] == ["tillgate", "migrate"]
    assert {variable["name"] for variable in container["env"]} <= variables().keys()
    assert len(images) == 1


def test_the_network_is_closed_by_default(manifests: list[Manifest]) -> None:
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _policy(manifests, "default-deny") == closed


def test_out_of_the_pods_go_names_the_database_and_https_only(manifests: list[Manifest]) -> None:
    opened = {
        policy["metadata"]["name"]: {
            port["port"] for rule in policy["spec"].get("egress", []) for port in rule["ports"]
        }
        for policy in of_kind(manifests, "NetworkPolicy")
    }
    assert opened == {
        "default-deny": set(),
        "dns": {53},
        "web": {443},
        "database": {27017},
        "jobs": {8000},
    }


def test_https_leads_to_the_internet_and_not_into_private_networks(
    manifests: list[Manifest],
) -> None:
    (rule,) = _policy(manifests, "web")["egress"]
    closed = {network for peer in rule["to"] for network in peer["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= closed


def test_into_the_web_pods_come_the_ingress_and_the_cron_jobs_only(
    manifests: list[Manifest],
) -> None:
    (rule,) = _policy(manifests, "web")["ingress"]
    (web,) = _web(manifests)["containers"]
    cron = find(manifests, "CronJob", "tillgate-cleanup")["spec"]["jobTemplate"]["spec"]
    controller, caller = rule["from"]
    assert controller.keys() == {"namespaceSelector"}
    assert caller["podSelector"]["matchLabels"] == cron["template"]["metadata"]["labels"]
    assert rule["ports"][0]["port"] == web["ports"][0]["containerPort"]


def test_the_overlay_narrows_the_way_to_the_database() -> None:
    (anywhere,) = _policy(render(BASE), "database")["egress"]
    (narrow,) = _policy(render(EXAMPLE), "database")["egress"]
    assert "to" not in anywhere
    assert "to" in narrow


_CLIENT = ("/tillgate.js", "/tillgate.json", *(build.path for build in builds().values()))
# Customers are led to the pages that end mails and that go on with a payment, by mails.
ALWAYS = {
    **{"/api": "256k", "/api/webhooks": "4m", unsubscribe.PATH: "256k", SHARED.path: "256k"},
    "/errors": "256k",
    links.PATH: "256k",
    **dict.fromkeys(_CLIENT, "256k"),
}


def test_the_ingress_speaks_tls_limits_bodies_and_hides_metrics(manifests: list[Manifest]) -> None:
    spec = find(manifests, "Ingress", "tillgate")["spec"]
    (rule,) = spec["rules"]
    assert spec["tls"] == [{"hosts": [rule["host"]], "secretName": "tillgate-tls"}]
    assert _let_out(manifests, rule["host"]) == ALWAYS


def test_pages_for_people_are_let_out_only_when_asked_for() -> None:
    host = find(render(BASE), "Ingress", "tillgate")["spec"]["rules"][0]["host"]
    asked = render(BASE) + render(PAGES)
    pages = dict.fromkeys(("/dashboard", "/docs", "/openapi.json"), "256k")
    assert _let_out(asked, host) == pages | ALWAYS


async def test_whatever_a_page_names_is_let_out_with_it(api: Api) -> None:
    asked = render(BASE) + render(PAGES)
    for page in ("/dashboard/login", "/docs"):
        shown = await api.http.get(page)
        assert shown.status_code == 200
        named = [page, *re.findall(r'(?:src|href|action)="(/[^"#?]*)', shown.text)]
        assert [path for path in named if not _is_let_out(asked, path)] == []
    assert not _is_let_out(asked, "/metrics")
    assert not _is_let_out(render(BASE), "/dashboard/login")


def _is_let_out(manifests: list[Manifest], path: str) -> bool:
    """Return whether an Ingress leads to a path, as its `pathType` says."""
    return any(
        path == one["path"] or (one["pathType"] == "Prefix" and path.startswith(f"{one['path']}/"))
        for ingress in of_kind(manifests, "Ingress")
        for rule in ingress["spec"]["rules"]
        for one in rule.get("http", {}).get("paths", [])
    )


def _let_out(manifests: list[Manifest], host: str) -> dict[str, str]:
    """Return each path that is let out of the cluster, with the largest body that it takes."""
    found: dict[str, str] = {}
    for ingress in of_kind(manifests, "Ingress"):
        annotations = ingress["metadata"]["annotations"]
        (rule,) = ingress["spec"]["rules"]
        assert rule["host"] == host
        kind = "minion" if "http" in rule else "master"
        assert annotations["nginx.org/mergeable-ingress-type"] == kind
        assert annotations["nginx.ingress.kubernetes.io/force-ssl-redirect"] == "true"
        for path in rule.get("http", {}).get("paths", []):
            found[path["path"]] = annotations["nginx.org/client-max-body-size"]
            assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == found[path["path"]]
    return found


def test_the_overlay_takes_the_image_from_a_registry_by_version() -> None:
    for name, container in containers(render(EXAMPLE)):
        assert container["image"] == "registry.example.com/payments/tillgate:0.1.0", name
