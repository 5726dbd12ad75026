"""Renders the kustomizations of `deploy/kubernetes` without kustomize, and reads pods from them.

Only what the files of the repository use: anything else in a kustomization is an error here, so
that a new feature can't pass untested.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
BASE = KUBERNETES / "base"
PAGES = KUBERNETES / "pages"
EXAMPLE = KUBERNETES / "overlays" / "example"

# YAML documents of the many kinds of Kubernetes: the schemas check them, no type here could.
Manifest: TypeAlias = dict[str, Any]

_KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator", "patches"}


def documents(path: Path) -> list[Manifest]:
    """Return the YAML documents of one file."""
    return documents_in(path.read_text())


def documents_in(text: str) -> list[Manifest]:
    """Return the YAML documents of a text."""
    return [found for found in yaml.safe_load_all(text) if found]


def variables_of(path: Path) -> dict[str, str]:
    """Return the variables of an env file, as kustomize reads it."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert all(equals for _, equals, _ in pairs), f"{path}: a line without = is taken from outside"
    return {name: value for name, _, value in pairs}


def render(folder: Path) -> list[Manifest]:
    """Return the manifests of a kustomization; generated names go without their hash."""
    kustomization = documents(folder / "kustomization.yaml")[0]
    assert kustomization.keys() <= _KNOWN, f"unknown here: {kustomization.keys() - _KNOWN}"
    manifests: list[Manifest] = []
    for entry in kustomization["resources"]:
        path = folder / entry
        manifests += render(path) if path.is_dir() else documents(path)
    for generator in kustomization.get("configMapGenerator", []):
        _generate(manifests, generator, folder)
    for patch in kustomization.get("patches", []):
        for change in documents(folder / patch["path"]):
            _merge(find(manifests, change["kind"], change["metadata"]["name"]), change)
    for image in kustomization.get("images", []):
        _rename_image(manifests, image)
    return manifests


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the one manifest of a kind and name."""
    (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    return found


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return all manifests of a kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pod_templates(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Return (kind/name, pod template) of everything that starts pods."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield f"{manifest['kind']}/{manifest['metadata']['name']}", spec["template"]


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Return (kind/name/container, container), init containers included."""
    for name, template in pod_templates(manifests):
        spec = template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{name}/{container['name']}", container


def _generate(manifests: list[Manifest], generator: Manifest, folder: Path) -> None:
    data: dict[str, str] = {}
    for env_file in generator["envs"]:
        data |= variables_of(folder / env_file)
    if generator.get("behavior") == "merge":
        find(manifests, "ConfigMap", generator["name"])["data"].update(data)
        return
    labels = generator.get("options", {}).get("labels", {})
    metadata = {"name": generator["name"], "namespace": "tillgate", "labels": labels}
    manifests.append(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
    )


def _merge(target: Manifest, change: Manifest) -> None:
    """Merge maps, replace lists. Lists that Kubernetes merges by name are refused."""
    for key, value in change.items():
        assert key not in {"containers", "volumes", "env"}, f"{key} is merged by name: not here"
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _rename_image(manifests: list[Manifest], image: Manifest) -> None:
    for _, container in containers(manifests):
        if container["image"].rpartition(":")[0] == image["name"]:
            container["image"] = f"{image['newName']}:{image['newTag']}"
