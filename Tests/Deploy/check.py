#!/usr/bin/env python3
"""Holds docker/ against the contract, without a container engine or a cluster.

    pip install PyYAML kubernetes-validate compose-spec && python3 Tests/Deploy/check.py

compose-spec and the programs kubectl and hadolint are used where they are; a check that needs one says that it was
skipped. shellcheck is required. Exits 0 only when nothing has failed.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(os.environ.get("POPSHOP_CHECK_ROOT") or Path(__file__).resolve().parents[2])
DOCKER = ROOT / "docker"

# --- the contract ---------------------------------------------------------------------------------------------------

PORTS = {
    "load-generator": 8010,
    "recommendation": 8011,
    "cart": 8013,
    "product-catalog": 8014,
    "checkout": 8016,
    "ad": 8017,
    "currency": 8018,
    "shipping": 8019,
    "console": 8000,
}
RECEIVER = 4318
SERVICES = [name for name in PORTS if name != "console"]
URLS = {name.upper().replace("-", "_") + "_URL": f"http://{name}:{PORTS[name]}" for name in SERVICES}
VARIABLES = set(URLS) | set(
    """
    POPSHOP_DATA_DIR POPSHOP_STORAGE POPSHOP_CARTS DATABASE_URL POSTGRES_HOST POSTGRES_PORT POSTGRES_DB POSTGRES_USER
    POSTGRES_PASSWORD DB_MAX_CONNECTIONS REDIS_URL REDIS_HOST REDIS_PORT SYNC_DATABASE_URL CX_TOKEN CX_TOKEN_FILE
    CX_ENDPOINT CX_APPLICATION_NAME CX_SUBSYSTEM_NAME CX_TEAM_URL OTEL_EXPORTER_OTLP_ENDPOINT
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
    OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_RESOURCE_ATTRIBUTES OTEL_TRACES_SAMPLER
    OTEL_TRACES_SAMPLER_ARG OTEL_SEMCONV_STABILITY_OPT_IN TELEMETRY_BUFFER_MAX_BYTES SYNC_SPAN_MAX_AGE
    POPSHOP_ADMIN_TOKEN DEMO_MODE LOG_LEVEL
    """.split()
)
SECRETS = {"POPSHOP_ADMIN_TOKEN", "POSTGRES_PASSWORD", "DATABASE_URL", "REDIS_URL", "SYNC_DATABASE_URL", "CX_TOKEN"} | {
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
}
# What Compose alone understands, and what a console must have that no other gets.
COMPOSE_ONLY = {"PUBLISH_ADDRESS", "POPSHOP_IMAGE"}
KEY = {"CX_TOKEN", "CX_TOKEN_FILE"}
IMAGE = "popshop"
USER = 10001
RUNTIME_PACKAGES = set("ca-certificates libcurl4 libhiredis0.14 libpq5 libsqlite3-0 libstdc++6 zlib1g".split())
NAMESPACE = "ecommerce-demo"
KUBERNETES = ["1.29", "1.34"]
MIB = 1 << 20

# --- a runner as small as it can be ---------------------------------------------------------------------------------

CHECKS = []


class Skipped(Exception):
    pass


def check(function):
    CHECKS.append(function)
    return function


class Problems(list):
    """What one check has found; it goes on after the first."""

    def unless(self, holds, sentence):
        if not holds:
            self.append(sentence)
        return bool(holds)

    def same(self, what, found, expected):
        self.unless(found == expected, f"{what} is {found!r}, not {expected!r}")


def run(*command, environment=None, **options):
    return subprocess.run(command, capture_output=True, text=True, env=environment, **options)


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def size(text):
    """Bytes of a quantity such as 128M, 512Mi or 128mb."""
    number, unit = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", str(text)).groups()
    unit = unit.lower().removesuffix("b").removesuffix("i")
    return int(number) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[unit]


# --- the program itself ---------------------------------------------------------------------------------------------


@check
def the_program_knows_the_same_ports_and_variables(problems):
    source = (ROOT / "Sources/ShopAPI/ServiceName.swift").read_text()
    names = dict(re.findall(r'case (\w+)(?: = "([\w-]+)")?\n', source))
    ports = {names[case] or case: int(port) for case, port in re.findall(r"case \.(\w+): (\d+)", source)}
    problems.same("ServiceName's ports", ports, PORTS)
    settings = (ROOT / "Sources/Shop/Settings.swift").read_text()
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', settings))
    problems.unless(len(read) > 20, "Settings.swift is not written in the way this check reads it")
    problems.unless(read <= VARIABLES, f"Settings.swift reads what is not in the table: {sorted(read - VARIABLES)}")


# --- Dockerfile -----------------------------------------------------------------------------------------------------


def stages():
    text = re.sub(r"(?m)^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text())
    text = re.sub(r"\\\n\s*", " ", text)
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    result = []
    for instruction, rest in lines:
        if instruction == "FROM":
            result.append([])
        result[-1].append((instruction, rest))
    return result


@check
def dockerfile(problems):
    build, root, runtime = stages()
    one = lambda name: [rest for instruction, rest in runtime if instruction == name]
    problems.same("the builder", build[0][1], "swift:6.3.1-bookworm AS build")
    problems.unless(re.fullmatch(r"debian:bookworm-\d{8}-slim AS root", root[0][1]), f"the root is from {root[0][1]}")
    problems.same("the runtime's base", runtime[0][1], "scratch AS runtime")
    commands = " ".join(rest for instruction, rest in build if instruction == "RUN")
    for part in ["-c release", "--product popshop", "--static-swift-stdlib", "type=cache", "strip "]:
        problems.unless(part in commands, f"the build has no {part}")
    problems.unless(("ARG", "TARGETARCH") in build, "the build has no TARGETARCH")
    for identifier in re.findall(r"type=cache,id=([^,]+)", commands):
        problems.unless(identifier.endswith("$TARGETARCH"), f"the cache {identifier} is shared by architectures")
    packages = re.search(r"apt-get install -y --no-install-recommends ([^&]*)&&", dict(root)["RUN"]).group(1)
    problems.same("the runtime's packages", set(packages.split()), RUNTIME_PACKAGES)
    problems.same("USER", one("USER"), [f"{USER}:{USER}"])
    problems.same("VOLUME", one("VOLUME"), ["/data"])
    problems.same("STOPSIGNAL", one("STOPSIGNAL"), ["SIGTERM"])
    problems.same("ENTRYPOINT", one("ENTRYPOINT"), ['["popshop"]'])
    problems.unless(one("HEALTHCHECK")[0].endswith('CMD ["popshop-healthcheck"]'), "HEALTHCHECK is something else")
    problems.same("EXPOSE", {int(port) for port in one("EXPOSE")[0].split()}, {*PORTS.values(), RECEIVER})
    for label in ["title", "description", "version", "revision"]:
        problems.unless(f"org.opencontainers.image.{label}=" in one("LABEL")[0], f"there is no label {label}")
    named = set(re.findall(r"([A-Z_]+)=", " ".join(one("ENV"))))
    problems.unless(named <= VARIABLES - SECRETS | {"PATH"}, f"ENV sets {sorted(named)}")
    for instruction, rest in runtime:
        if instruction == "COPY" and "--from" not in rest:
            source = rest.split()[-2]
            problems.unless((ROOT / source).is_file(), f"{source} is not there to be copied")
            problems.unless(f"!{source}" in ignore_rules(), f".dockerignore leaves {source} out")


def ignore_rules():
    return (ROOT / ".dockerignore").read_text().splitlines()


@check
def dockerignore_has_what_the_package_needs(problems):
    rules = ignore_rules()
    problems.unless("*" in rules, "it does not begin by ignoring everything")
    for needed in ["Package.swift", "Package.resolved", "Sources", "Tests", "schema", "fixtures"]:
        problems.unless(f"!{needed}" in rules, f"{needed} is left out")
    # A target's folder that is missing is an error, also when the target is not built.
    for path in re.findall(r'(?:path: "|tests\(\s*")(?:Tests/)?(\w+)"', (ROOT / "Package.swift").read_text()):
        problems.unless(f"Tests/{path}" not in rules, f"Tests/{path} is a target's and is left out")


@check
def hadolint(problems):
    if not shutil.which("hadolint"):
        raise Skipped("hadolint is not installed")
    result = run("hadolint", str(DOCKER / "Dockerfile"))
    problems.unless(result.returncode == 0, result.stdout)


@check
def the_health_check_finds_what_the_container_runs(problems):
    everything = " ".join(PORTS)
    local = "--host 127.0.0.1 --port-offset 0"
    cases = {
        "popshop serve cart --host 0.0.0.0": [f"cart {local}"],
        "/usr/local/bin/popshop serve cart": [f"cart {local}"],
        "/sbin/docker-init -- popshop serve cart": [f"cart {local}"],
        "popshop serve --host 0.0.0.0 cart checkout --data-dir /data --port-offset 7": [
            "cart --host 127.0.0.1 --port-offset 7",
            "checkout --host 127.0.0.1 --port-offset 7",
        ],
        "popshop serve ad --host=10.1.2.3 --port-offset=-5": ["ad --host 10.1.2.3 --port-offset -5"],
        "popshop demo --host 0.0.0.0 --traffic 5 --no-restock": [f"{name} {local}" for name in everything.split()],
        "popshop": [f"{name} {local}" for name in everything.split()],
        "popshop --host :: --seed 4": [f"{name} {local}" for name in everything.split()],
        "popshop migrate": [],
        "popshop sync --watch": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "popshop")
        program.write_text('#!/bin/sh\nshift\necho "$*" >> "$(dirname "$0")/asked"\n[ "$1" != broken ]\n')
        program.chmod(0o755)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
        asked = Path(folder, "asked")
        cases["popshop serve broken cart"] = None
        for command, expected in cases.items():
            asked.write_text("")
            line = Path(folder, "cmdline")
            line.write_text("".join(part + "\0" for part in command.split()))
            result = run("sh", str(DOCKER / "healthcheck.sh"), str(line), environment=environment)
            if expected is None:
                problems.unless(result.returncode != 0, f"`{command}` is healthy with one that is not")
                continue
            problems.same(f"`{command}` exits with", result.returncode, 0)
            problems.same(f"what `{command}` asks", sorted(asked.read_text().splitlines()), sorted(expected))


# --- Compose --------------------------------------------------------------------------------------------------------


def interpolate(value, environment):
    """Compose's own rules, as far as compose.yaml uses them."""
    if isinstance(value, dict):
        return {key: interpolate(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match):
        if match.group(0) == "$$":
            return "$"
        name, operator, word = match.group(1, 2, 3)
        found = environment.get(name, "")
        if found or operator is None:
            return found
        if operator == ":?":
            raise KeyError(name)
        return word

    return re.sub(r"\$\$|\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", replace, value)


REQUIRED = {"POPSHOP_ADMIN_TOKEN": "token", "POSTGRES_PASSWORD": "password"}


def raw_compose():
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def compose():
    return interpolate(raw_compose(), REQUIRED)


def ours():
    return {name: service for name, service in compose()["services"].items() if service["image"].startswith("popshop")}


@check
def compose_is_what_the_specification_allows(problems):
    try:
        import compose_spec
    except ImportError:
        raise Skipped("the package compose-spec is not installed") from None
    try:
        compose_spec.PyCompose.from_json(json.dumps(compose())).to_spec()
    except Exception as error:  # whatever it refuses with
        problems.append(str(error))


# The keys that are used, with their types: a typing error is found without the package too.
KEYS = {
    "image": str, "command": list, "restart": str, "read_only": bool, "cap_drop": list, "security_opt": list,
    "stop_grace_period": str, "logging": dict, "deploy": dict, "environment": dict, "depends_on": dict, "ports": list,
    "volumes": list, "healthcheck": dict, "user": str, "tmpfs": list, "shm_size": str, "profiles": list,
}  # fmt: skip


@check
def compose_uses_known_keys(problems):
    document = raw_compose()
    top = {key for key in document if not key.startswith("x-")}
    problems.same("the top level", top, {"name", "services", "volumes"})
    for name, service in document["services"].items():
        for key, value in service.items():
            if problems.unless(key in KEYS, f"{name} has the key {key}"):
                problems.unless(isinstance(value, KEYS[key]), f"{name}.{key} is a {type(value).__name__}")
        problems.unless(service["restart"] in ("no", "unless-stopped"), f"{name} has restart: {service['restart']!r}")
        for value in service.get("environment", {}).values():
            problems.unless(isinstance(value, str), f"{name} has a variable that is no text: {value!r}")


@check
def compose_has_the_contract_s_services_and_ports(problems):
    services = compose()["services"]
    expected = {*PORTS, "migrate", "postgres", "redis", "collector"}
    problems.same("the services", set(services), expected)
    for name, port in PORTS.items():
        service = services[name]
        ports = [port, RECEIVER] if name == "console" else [port]
        problems.same(f"{name}'s ports", service["ports"], [f"127.0.0.1:{port}:{port}" for port in ports])
        problems.same(f"{name}'s command", service["command"], ["serve", name, "--host", "0.0.0.0"])
        problems.same(f"{name}'s health check", service["healthcheck"]["test"], ["CMD", "popshop", "healthcheck", name])
    for name in expected - set(PORTS):
        problems.unless("ports" not in services[name], f"{name} is published")
    problems.same("migrate's command", services["migrate"]["command"], ["migrate"])
    problems.same("migrate's restart", services["migrate"]["restart"], "no")
    problems.same("the collector's profile", services["collector"]["profiles"], ["collector"])
    problems.unless(services["postgres"]["image"].startswith("postgres:16."), "Postgres is not 16")
    problems.unless(services["redis"]["image"].startswith("redis:7."), "Redis is not 7")


@check
def compose_containers_are_confined(problems):
    for name, service in compose()["services"].items():
        problems.unless(re.search(r":\d+\.\d+", service["image"]), f"{name}'s image {service['image']} is not pinned")
        problems.unless(service.get("read_only") is True, f"{name}'s root can be written")
        problems.same(f"{name}'s cap_drop", service.get("cap_drop"), ["ALL"])
        problems.same(f"{name}'s security_opt", service.get("security_opt"), ["no-new-privileges:true"])
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        problems.unless("memory" in limits and "pids" in limits, f"{name} has no limits")
        if service["image"].startswith(IMAGE + ":"):
            problems.unless("user" not in service, f"{name} has a user of its own, not the image's")
            problems.unless(size(limits.get("memory", 0)) >= 128 * MIB, f"{name} has no headroom: {limits}")
        else:
            problems.unless(re.fullmatch(r"[1-9]\d*:[1-9]\d*", service.get("user", "")), f"{name} may run as root")
        if name not in ("migrate", "collector"):
            problems.unless("test" in service.get("healthcheck", {}), f"{name} has no health check")
    stored = [name.split(":")[0] for service in compose()["services"].values() for name in service.get("volumes", [])]
    stored = [name for name in stored if not name.startswith(".")]
    problems.same("volumes of more than one container", len(stored), len(set(stored)))
    problems.same("the volumes", set(compose()["volumes"]), set(stored))
    for name, service in ours().items():
        problems.unless(any(v.endswith(":/data") for v in service.get("volumes", [])), f"{name} has no /data")


@check
def compose_starts_in_order(problems):
    services = compose()["services"]
    for name in PORTS:
        condition = services[name]["depends_on"].get("migrate", {}).get("condition")
        problems.same(f"{name}'s condition on migrate", condition, "service_completed_successfully")
    problems.same("migrate's conditions", services["migrate"]["depends_on"], {"postgres": {"condition": "service_healthy"}})
    problems.unless("redis" in services["cart"]["depends_on"], "cart does not wait for redis")
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if problems.unless(other in services, f"{name} depends on {other}, which is not there"):
                if how["condition"] == "service_healthy":
                    problems.unless("healthcheck" in services[other], f"{name} waits for the health of {other}")


@check
def compose_passes_the_contract_s_variables(problems):
    for name, service in ours().items():
        environment = service["environment"]
        problems.unless(set(environment) <= VARIABLES, f"{name} has {sorted(set(environment) - VARIABLES)}")
        for variable, url in URLS.items():
            problems.same(f"{name}'s {variable}", environment.get(variable), url)
        problems.same(f"{name}'s data", environment.get("POPSHOP_DATA_DIR"), "/data")
        problems.same(f"{name}'s storage", environment.get("POPSHOP_STORAGE"), "postgres")
        problems.same(f"{name}'s carts", environment.get("POPSHOP_CARTS"), "redis")
        problems.same(f"{name}'s token", environment.get("POPSHOP_ADMIN_TOKEN"), "token")
        endpoint = "http://console:4318" if name in SERVICES else environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None
        problems.same(f"{name}'s OTLP endpoint", environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None, endpoint)
        if name != "console":
            problems.unless(not KEY & set(environment), f"{name} gets the key")
    console = ours()["console"]["environment"]
    problems.same("the console's OTLP endpoint", console["OTEL_EXPORTER_OTLP_ENDPOINT"], "")
    passed = {variable for service in ours().values() for variable in service["environment"]}
    problems.same("variables that no container gets", VARIABLES - passed, set())
    for missing in REQUIRED:
        try:
            interpolate(raw_compose(), {key: value for key, value in REQUIRED.items() if key != missing})
            problems.append(f"Compose starts without {missing}")
        except KeyError:
            pass
    connections = int(console["DB_MAX_CONNECTIONS"]) * len(PORTS)
    allowed = int(compose()["services"]["postgres"]["command"][-1].split("=")[1])
    problems.unless(connections < allowed, f"nine pools are {connections} connections; Postgres takes {allowed}")


@check
def env_example_has_every_variable(problems):
    text = (DOCKER / ".env.example").read_text()
    found = dict(re.findall(r"(?m)^#?([A-Z][A-Z0-9_]+)=(.*)$", text))
    problems.same("what .env.example lacks", (VARIABLES | COMPOSE_ONLY) - set(found), set())
    problems.same("what .env.example has beyond the contract", set(found) - VARIABLES - COMPOSE_ONLY, set())
    problems.unless("quick start" in text.lower().split("\n\n")[0], "it does not begin with a quick start")
    used = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    settable = set(re.findall(r"(?m)^([A-Z][A-Z0-9_]+)=", text))
    problems.same("what can be set and is not read, or the other way round", used ^ settable, set())
    for name, value in found.items():
        problems.unless(name not in SECRETS or not value, f".env.example has a value for {name}")


@check
def the_collector_s_configuration_is_whole(problems):
    collector = yaml.safe_load((DOCKER / "collector.yaml").read_text())
    for kind in ("receivers", "processors", "exporters"):
        for pipeline in collector["service"]["pipelines"].values():
            unknown = set(pipeline[kind]) - set(collector[kind])
            problems.unless(not unknown, f"the pipeline names {kind} that are not there: {unknown}")
    limit = collector["processors"]["memory_limiter"]["limit_mib"] * MIB
    container = compose()["services"]["collector"]["deploy"]["resources"]["limits"]["memory"]
    problems.unless(limit < size(container), "the collector's own limit is above its container's")


# --- Kubernetes -----------------------------------------------------------------------------------------------------

# Lists that a strategic merge patch merges by a key; it replaces all others.
MERGE_KEYS = {"containers": "name", "initContainers": "name", "volumes": "name", "env": "name"} | {
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
CLUSTER_WIDE = {"Namespace"}


def merged(old, new, name=""):
    if isinstance(old, dict) and isinstance(new, dict):
        result = dict(old)
        for key, value in new.items():
            result[key] = merged(old[key], value, key) if key in old else value
        return result
    if isinstance(old, list) and isinstance(new, list) and name in MERGE_KEYS:
        key = MERGE_KEYS[name]
        result = {item[key]: item for item in old}
        for item in new:
            result[item[key]] = merged(result[item[key]], item) if item[key] in result else item
        return list(result.values())
    return new


def rendered(folder):
    """Kustomize, as far as these manifests use it: resources, patches by target or by name, namespace, images."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = set(kustomization) - {"apiVersion", "kind", "namespace", "resources", "patches", "images"}
    if unknown:
        raise ValueError(f"{folder} uses {unknown}, which this test cannot render")
    objects = []
    for resource in kustomization["resources"]:
        path = (folder / resource).resolve()
        objects += rendered(path) if path.is_dir() else documents(path)
    for patch in kustomization.get("patches", []):
        body = yaml.safe_load((folder / patch["path"]).read_text())
        kind = patch.get("target", {}).get("kind", body["kind"])
        name = None if "target" in patch else body["metadata"]["name"]
        body = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
        hits = [i for i, o in enumerate(objects) if o["kind"] == kind and name in (None, o["metadata"]["name"])]
        if not hits:
            raise ValueError(f"{folder}: the patch {patch['path']} is of nothing")
        for index in hits:
            objects[index] = merged(objects[index], body)
    for item in objects:
        if item["kind"] not in CLUSTER_WIDE:
            item["metadata"]["namespace"] = kustomization["namespace"]
        for image in kustomization.get("images", []):
            for container in pod_of(item).get("containers", []):
                if container["image"].split(":")[0] == image["name"]:
                    container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return objects


def pod_of(item):
    return item.get("spec", {}).get("template", {}).get("spec", {}) if isinstance(item.get("spec"), dict) else {}


OVERLAYS = ["self-contained", "managed"]


def overlay(name):
    return rendered(DOCKER / "kubernetes/overlays" / name)


def by_name(objects):
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def each_overlay(function):
    def checks(problems):
        for name in OVERLAYS:
            found = Problems()
            function(found, overlay(name), name)
            problems.extend(f"{name}: {sentence}" for sentence in found)

    checks.__name__ = function.__name__
    return check(checks)


@each_overlay
def manifests_are_valid(problems, objects, name, valid=set()):
    problems.same("the number of objects", len(by_name(objects)), len(objects))
    for item in objects:
        for version in KUBERNETES:
            # Most are in both overlays.
            known = (version, json.dumps(item))
            if known in valid:
                continue
            try:
                kubernetes_validate.validate(item, version, strict=True)
                valid.add(known)
            except kubernetes_validate.ValidationError as error:
                problems.append(f"{item['kind']} {item['metadata']['name']} in {version}: {error.message}")
        if item["kind"] not in CLUSTER_WIDE:
            problems.same(f"{item['metadata']['name']}'s namespace", item["metadata"]["namespace"], NAMESPACE)
    problems.unless(("Namespace", NAMESPACE) in by_name(objects), "the namespace is not among them")


@each_overlay
def kubectl_renders_the_same(problems, objects, name):
    if not shutil.which("kubectl"):
        raise Skipped("kubectl is not installed")
    result = run("kubectl", "kustomize", str(DOCKER / "kubernetes/overlays" / name))
    if problems.unless(result.returncode == 0, result.stderr):
        theirs = by_name(yaml.safe_load_all(result.stdout))
        mine = by_name(objects)
        problems.same("what only one has", set(theirs) ^ set(mine), set())
        for key in set(theirs) & set(mine):
            problems.unless(theirs[key] == mine[key], f"{key} is rendered in another way by kubectl")


@each_overlay
def pods_are_confined(problems, objects, name):
    for item in objects:
        pod = pod_of(item)
        if not pod:
            continue
        who = f"{item['kind']} {item['metadata']['name']}"
        security = pod.get("securityContext", {})
        problems.unless(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, f"{who} may be root")
        problems.unless(security.get("runAsGroup", 0) > 0 and security.get("fsGroup", 0) > 0, f"{who} has no group")
        problems.same(f"{who}'s seccomp", security.get("seccompProfile"), {"type": "RuntimeDefault"})
        problems.unless(pod.get("automountServiceAccountToken") is False, f"{who} gets a token of the cluster's")
        # The variables it would make, REDIS_PORT and POSTGRES_PORT, are ours with another meaning.
        problems.unless(pod.get("enableServiceLinks") is False, f"{who} has service links")
        for container in pod["containers"]:
            problems.unless(re.search(r":\d+\.\d+", container["image"]), f"{who}'s {container['image']} is not pinned")
            security = container.get("securityContext", {})
            problems.unless(security.get("readOnlyRootFilesystem") is True, f"{who}'s root can be written")
            problems.unless(security.get("allowPrivilegeEscalation") is False, f"{who} may gain privileges")
            problems.same(f"{who}'s capabilities", security.get("capabilities"), {"drop": ["ALL"]})
            resources = container.get("resources", {})
            for kind in ("requests", "limits"):
                problems.same(f"{who}'s {kind}", set(resources.get(kind, {})), {"cpu", "memory"})
            if item["kind"] != "Job":
                for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                    problems.unless(probe in container, f"{who} has no {probe}")
            volumes = {volume["name"] for volume in pod.get("volumes", [])} | {
                claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])
            }
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            problems.same(f"{who}'s volumes and mounts", volumes ^ mounted, set())
        for volume in pod.get("volumes", []):
            problems.unless("sizeLimit" in volume.get("emptyDir", {}), f"{who}'s volume {volume['name']} has no limit")


def environment_of(objects, item):
    """What a pod's container finds, as its sources say; values of Secrets are the object ("secret", …)."""
    maps = by_name(objects)
    found = {}
    for container in pod_of(item)["containers"]:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found |= maps["ConfigMap", source["configMapRef"]["name"]]["data"]
            else:
                found["secret", source["secretRef"]["name"]] = source["secretRef"].get("optional", False)
        found |= {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container.get("env", [])}
    return found


@each_overlay
def services_are_the_contract_s(problems, objects, name):
    found = by_name(objects)
    for service, port in PORTS.items():
        workload = found.get(("StatefulSet" if service == "console" else "Deployment", service))
        if not problems.unless(workload, f"{service} is missing"):
            continue
        (container,) = pod_of(workload)["containers"]
        ports = {"http": port} | ({"otlp-http": RECEIVER} if service == "console" else {})
        problems.same(f"{service}'s arguments", container["args"], ["serve", service, "--host", "0.0.0.0"])
        problems.same(f"{service}'s image", container["image"], "popshop:1.0.0")
        problems.same(f"{service}'s user", pod_of(workload)["securityContext"]["runAsUser"], USER)
        problems.same(f"{service}'s ports", {p["name"]: p["containerPort"] for p in container["ports"]}, ports)
        for probe, path in [("livenessProbe", "/health/live"), ("startupProbe", "/health/live"), ("readinessProbe", "/health")]:
            problems.same(f"{service}'s {probe}", container.get(probe, {}).get("httpGet"), {"path": path, "port": "http"})
        labels = workload["spec"]["template"]["metadata"]["labels"]
        problems.same(f"{service}'s selector", workload["spec"]["selector"]["matchLabels"].items() <= labels.items(), True)
        problems.same(f"{service}'s part-of", labels.get("app.kubernetes.io/part-of"), "popshop")
        inside = found["Service", service]["spec"]
        problems.same(f"the Service {service}", {p["targetPort"]: p["port"] for p in inside["ports"]}, ports)
        problems.same(f"the Service {service} selects", inside["selector"].items() <= labels.items(), True)
        problems.unless(size(container["resources"]["limits"]["memory"]) >= 128 * MIB, f"{service} has no headroom")
        if service == "console" or service == "load-generator":
            problems.same(f"{service}'s replicas", workload["spec"].get("replicas"), 1)
            problems.unless(("HorizontalPodAutoscaler", service) not in found, f"{service} is scaled")
        else:
            problems.unless("replicas" not in workload["spec"], f"{service} has replicas and an autoscaler")
            target = found["HorizontalPodAutoscaler", service]["spec"]["scaleTargetRef"]
            problems.same(f"{service}'s autoscaler's target", (target["kind"], target["name"]), ("Deployment", service))
            selector = found["PodDisruptionBudget", service]["spec"]["selector"]["matchLabels"]
            problems.same(f"{service}'s disruption budget selects", selector.items() <= labels.items(), True)
    migrate = found["Job", "migrate"]
    problems.same("migrate's arguments", pod_of(migrate)["containers"][0]["args"], ["migrate"])
    backend = found["Ingress", "console"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    problems.same("the Ingress's backend", backend, {"name": "console", "port": {"name": "http"}})


@each_overlay
def pods_get_the_contract_s_variables(problems, objects, name):
    found = by_name(objects)
    for item in objects:
        if not pod_of(item) or not pod_of(item)["containers"][0]["image"].startswith(IMAGE + ":"):
            continue
        who = item["metadata"]["name"]
        environment = environment_of(objects, item)
        named = {key for key in environment if isinstance(key, str)}
        problems.unless(named <= VARIABLES - SECRETS, f"{who} has {sorted(named - (VARIABLES - SECRETS))}")
        for variable, url in URLS.items():
            problems.same(f"{who}'s {variable}", environment.get(variable), url)
        wanted = {"POPSHOP_STORAGE": "postgres", "POPSHOP_CARTS": "redis", "POPSHOP_DATA_DIR": "/data"}
        problems.same(f"{who}'s storage", {key: environment.get(key) for key in wanted}, wanted)
        problems.same(f"{who}'s Secret", environment.get(("secret", "popshop")), False)
        problems.same(f"{who} gets the key", ("secret", "popshop-uplink") in environment, who == "console")
        endpoint = "http://console:4318" if who in SERVICES else None
        problems.same(f"{who}'s OTLP endpoint", environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"), endpoint)
        budget = int(environment.get("TELEMETRY_BUFFER_MAX_BYTES", 0))
        if who in PORTS:
            limits = [v["emptyDir"]["sizeLimit"] for v in pod_of(item).get("volumes", [])] + [
                claim["spec"]["resources"]["requests"]["storage"]
                for claim in item["spec"].get("volumeClaimTemplates", [])
            ]
            problems.unless(0 < 2 * budget <= size(limits[0]), f"{who}'s buffer of {budget} is too near its {limits[0]}")
    for item in documents(DOCKER / "kubernetes/secret.example.yaml"):
        problems.unless(set(item["stringData"]) <= SECRETS, f"the template has {sorted(item['stringData'])}")
        problems.same("values in the template", set(item["stringData"].values()), {""})
        problems.same("the template's namespace", item["metadata"]["namespace"], NAMESPACE)
    pool = int(found["ConfigMap", "popshop"]["data"]["DB_MAX_CONNECTIONS"])
    most = sum(
        found["HorizontalPodAutoscaler", service]["spec"]["maxReplicas"]
        if ("HorizontalPodAutoscaler", service) in found else 1
        for service in PORTS
    )  # fmt: skip
    if name == "self-contained":
        server = pod_of(found["StatefulSet", "postgres"])["containers"][0]
        allowed = int(server["args"][-1].split("=")[1])
        problems.unless(pool * most < allowed, f"{most} pools are {pool * most} connections; Postgres takes {allowed}")
        problems.unless(server["image"].startswith("postgres:16."), "Postgres is not 16")
        problems.unless(("StatefulSet", "redis") in found, "there is no Redis")
        same = {image["image"] for key in ("postgres", "redis") for image in pod_of(found["StatefulSet", key])["containers"]}
        problems.same("the databases", same, {compose()["services"][key]["image"] for key in ("postgres", "redis")})
    else:
        problems.same("StatefulSets", [key for key in found if key[0] == "StatefulSet"], [("StatefulSet", "console")])


@each_overlay
def the_network_lets_through_what_is_needed(problems, objects, name):
    policies = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    everything = [p for p in policies if p["podSelector"] == {} and "ingress" not in p and "egress" not in p]
    problems.unless(any(set(p["policyTypes"]) == {"Ingress", "Egress"} for p in everything), "nothing is denied")

    def selected(policy, labels):
        return policy["podSelector"].get("matchLabels", {}).items() <= labels.items()

    def allows(direction, labels, peer, port):
        """Whether a pod with these labels may be reached by, or reach, a peer; peer: labels, or None for outside."""
        side = "from" if direction == "ingress" else "to"
        for policy in policies:
            if direction.capitalize() not in policy["policyTypes"] or not selected(policy, labels):
                continue
            for rule in policy.get(direction, []):
                if "ports" in rule and port not in [entry["port"] for entry in rule["ports"]]:
                    continue
                if side not in rule:
                    return True
                for entry in rule[side]:
                    if peer is None and ("ipBlock" in entry or "namespaceSelector" in entry):
                        return True
                    chosen = entry.get("podSelector", {}).get("matchLabels")
                    if peer is not None and chosen and chosen.items() <= peer.items():
                        return True
        return False

    label = lambda who: {"app.kubernetes.io/name": who, "app.kubernetes.io/part-of": "popshop"}
    for service, port in PORTS.items():
        for a, b, p in [("load-generator", service, port), (service, "console", RECEIVER)]:
            problems.unless(allows("egress", label(a), label(b), p), f"{a} cannot reach {b}:{p}")
            problems.unless(allows("ingress", label(b), label(a), p), f"{b}:{p} cannot be reached by {a}")
        problems.unless(allows("egress", label(service), None, 53), f"{service} cannot resolve names")
        outside = allows("egress", label(service), None, 443)
        problems.same(f"{service} reaches the backend", outside, service == "console")
        problems.same(f"{service} is reached from outside", allows("ingress", label(service), None, port), service == "console")
    for database, port in [("postgres", 5432), ("redis", 6379)]:
        there = {"app.kubernetes.io/name": database} if name == "self-contained" else None
        for who in ("checkout", "cart", "migrate"):
            problems.unless(allows("egress", label(who), there, port), f"{who} cannot reach {database}")
        if there:
            problems.unless(allows("ingress", there, label("cart"), port), f"{database} cannot be reached")
            problems.unless(not allows("ingress", there, None, port), f"{database} can be reached by anybody")


# --- scripts and secrets --------------------------------------------------------------------------------------------


@check
def scripts_are_sound(problems):
    scripts = sorted(DOCKER.glob("*.sh"))
    names = {script.name for script in scripts}
    problems.same("the scripts", names, {"build-images.sh", "deploy-kubernetes.sh", "healthcheck.sh", "prove-image.sh"})
    for script in scripts:
        problems.unless(os.access(script, os.X_OK), f"{script.name} cannot be executed")
        problems.unless(script.read_text().startswith("#!/bin/sh\n"), f"{script.name} is not for sh")
        problems.unless(re.search(r"(?m)^set -eu", script.read_text()), f"{script.name} goes on after errors")
        for shell in ("bash", "sh"):
            result = run(shell, "-n", str(script))
            problems.unless(result.returncode == 0, result.stderr)
        if script.name != "healthcheck.sh":
            result = run(str(script), "--help")
            problems.unless(result.returncode == 0 and result.stdout.startswith("Usage:"), f"{script.name} has no --help")
            result = run(str(script), "--no-such-option")
            problems.same(f"{script.name} --no-such-option exits with", result.returncode, 64)
            problems.same(f"{script.name}'s sentence has lines", len(result.stderr.splitlines()), 1)
    if not shutil.which("shellcheck"):
        raise AssertionError("shellcheck is not installed")
    result = run("shellcheck", *map(str, scripts))
    problems.unless(result.returncode == 0, result.stdout)


# Stands in for docker, aws and kubectl: writes down how it was called and what came in.
STAND_IN = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >> "$LOG/calls"
case "$name $*" in
    *"$FAIL"*) [ -z "$FAIL" ] || { echo "it was told to fail" >&2; exit 3; } ;;
esac
case "$name $*" in
    "kubectl kustomize "*) printf 'kind: Deployment\\nimage: popshop:1.0.0\\n' ;;
    "kubectl config current-context") echo some-cluster ;;
    *"get secret popshop --output"*) echo eA== ;;
    *"get secret "*) exit "$NEW" ;;
    "aws ecr get-login-password"*) echo the-password ;;
    *" patch "*) cat >> "$LOG/input"; echo "secret/popshop patched" ;;
    *"create -f -"*|*"apply -f -"*|*login*) cat >> "$LOG/input"; echo "configmap/popshop unchanged" ;;
esac
"""


def with_stand_ins(script, *arguments, fail="", new="1", **environment):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("docker", "aws", "kubectl"):
            Path(folder, name).write_text(STAND_IN)
            Path(folder, name).chmod(0o755)
        for name in ("calls", "input"):
            Path(folder, name).write_text("")
        path = f"{folder}:/usr/bin:/bin"
        environment |= {"PATH": path, "LOG": folder, "FAIL": fail, "NEW": new}
        result = run(str(DOCKER / script), *arguments, environment=environment)
        return result, Path(folder, "calls").read_text(), Path(folder, "input").read_text()


@check
def the_build_script_builds_tags_and_pushes(problems):
    result, calls, _ = with_stand_ins("build-images.sh")
    problems.same("its exit", result.returncode, 0)
    problems.unless("--tag popshop:1.0.0 " in calls and "--load" in calls and "--push" not in calls, calls)
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    result, calls, given = with_stand_ins(
        "build-images.sh", "--ecr", "123456789012", "--region", "eu-west-1", "--tag", "2.0", "--create"
    )
    problems.same("its exit", result.returncode, 0)
    problems.unless(f"--tag {registry}/popshop:2.0 " in calls and "--push" in calls, calls)
    problems.unless("the-password" in given and "the-password" not in calls + result.stdout, "the password was shown")
    problems.same("its last line", result.stdout.splitlines()[-1], f"built and pushed {registry}/popshop:2.0")
    result, calls, _ = with_stand_ins("build-images.sh", fail="buildx build")
    problems.unless(result.returncode == 1 and "built" not in result.stdout.splitlines()[-1][:6], "a failure passes")
    for wrong in (["--ecr", "12"], ["--push"], ["--tag"], ["--platform", "linux/amd64,linux/arm64"], ["--tag", "a b"]):
        problems.same(f"{wrong} exits with", with_stand_ins("build-images.sh", *wrong)[0].returncode, 64)


@check
def the_deploy_script_applies_in_order_and_keeps_secrets(problems):
    secrets = {"POPSHOP_ADMIN_TOKEN": "very'secret\"token", "POSTGRES_PASSWORD": "p:w", "CX_TOKEN": "the-key"}
    for new in ("1", "0"):
        result, calls, given = with_stand_ins("deploy-kubernetes.sh", "--image", "r.example/popshop:9", new=new, **secrets)
        problems.same("its exit", result.returncode, 0)
        for value in secrets.values():
            problems.unless(value not in calls + result.stdout + result.stderr, f"{value} was shown")
            problems.unless(base64.b64encode(value.encode()).decode() in given, f"{value} was not handed on")
            problems.unless(base64.b64encode(value.encode()).decode() not in calls, "a value is in an argument")
        problems.unless("image: r.example/popshop:9" in given, "the image was not set")
        steps = ["namespace.yaml", "secret popshop", "delete job migrate", "apply -f -", "condition=complete", "rollout status"]
        places = [calls.find(step) for step in steps]
        problems.unless(-1 not in places and places == sorted(places), f"the order is {places}: {calls}")
        problems.same("rollouts waited for", calls.count("rollout status"), len(PORTS))
        problems.same("a restart for changed secrets", "rollout restart" in calls, new == "0")
    # With the Secrets there already, the input begins with the patch of the first.
    patch = json.loads(given.split("}}")[0] + "}}")
    problems.same("the patch's keys", set(patch["data"]), {"POPSHOP_ADMIN_TOKEN", "POSTGRES_PASSWORD"})
    result, calls, _ = with_stand_ins("deploy-kubernetes.sh", fail="condition=complete", **secrets)
    problems.same("after a failed migration it exits with", result.returncode, 1)
    problems.unless("rollout" not in calls and "done so far" in result.stderr, "it goes on after a failed migration")
    result, calls, _ = with_stand_ins("deploy-kubernetes.sh", "--dry-run", **secrets)
    problems.unless(result.returncode == 0 and "apply" not in calls, "a dry run applies")
    for wrong in (["--overlay", "x"], ["--image", "popshop"], ["--ecr", "12"], ["--tag", "2"], ["--timeout", "x"]):
        problems.same(f"{wrong} exits with", with_stand_ins("deploy-kubernetes.sh", *wrong)[0].returncode, 64)


@check
def no_file_has_a_secret(problems):
    shapes = [
        r"AKIA[0-9A-Z]{16}", r"-----BEGIN [A-Z ]*PRIVATE KEY", r"\bcxt[ph]_\w+", r"\bgh[pousr]_\w{20,}",
        r"://[^\s:/@$]+:[^\s/@$]+@", r"(?i)\bbearer [A-Za-z0-9_\-.]{16,}", r"\b[0-9a-f]{32,}\b",
    ]  # fmt: skip
    files = [path for path in DOCKER.rglob("*") if path.is_file()]
    problems.unless(len(files) > 25, "the files are not where this check looks")
    problems.unless(not (DOCKER / ".env").exists() or run("git", "-C", str(ROOT), "check-ignore", "docker/.env").returncode == 0,
                    "docker/.env is not ignored")  # fmt: skip
    for path in files:
        if path.name == ".env":
            continue
        text = path.read_text()
        for shape in shapes:
            for match in re.finditer(shape, text):
                problems.append(f"{path.relative_to(ROOT)} has what looks like a secret: {match.group(0)[:12]}…")
        # A value given to a variable that is one.
        for name, value in re.findall(r"(?m)^[ \t]*(?:- )?([A-Z_]+)[ \t]*[:=][ \t]*(\S.*)$", text):
            if name in SECRETS and not re.match(r'""|\$\{|"?\$', value):
                problems.append(f"{path.relative_to(ROOT)} gives {name} a value")


def main():
    failed = skipped = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        problems = Problems()
        try:
            function(problems)
        except Skipped as reason:
            skipped += 1
            print(f"skipped  {name}: {reason}")
            continue
        except Exception as error:  # what a check trips over is a failure of that check alone
            problems.append(f"{type(error).__name__}: {error}")
        print(f"{'FAILED ' if problems else 'passed '}  {name}")
        for sentence in problems:
            print(f"           {sentence}")
        failed += bool(problems)
    print(f"\n{len(CHECKS) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
