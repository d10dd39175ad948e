"""Nameko's own tests of RPC: fetched from its source distribution, and run in a process of their own.

python tests/nameko_upstream/upstream.py stock      # or: drop-in
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parents[1]
CACHE = REPOSITORY / ".cache" / "nameko-upstream"
SOURCES = "nameko-2.14.1"
PIN = "nameko==2.14.1 --hash=sha256:2753578bb4dc6b92801aea334d2930b97dfb74486e705edd69198306a9468c88"
# Those that have to do with RPC.
FILES = [
    "test/test_rpc.py",
    "test/test_rpc_responder.py",
    "test/standalone/test_rpc_proxy.py",
    "test/test_call_id_stack.py",
    "test/test_contextdata.py",
    "test/test_serialization.py",
    "test/test_errors.py",
    "test/test_exceptions.py",
    "test/test_handle_result.py",
    "test/test_dependency_providers.py",
]
# What can't run anywhere here, with stock Nameko neither. Both block the process for ever.
LEFT_OUT = {
    "TestSSL": "needs RabbitMQ with TLS and Nameko's own certificates; the fleet has no TLS to RabbitMQ",
    "test_handle_result_error": "kills eventlet's hub: its error reaches a waiter as None, which eventlet 0.41 refuses",
}
RUN_TIMEOUT = 600  # seconds
# As it would be anywhere: none of this repository's settings, and no warnings of libraries younger than the tests.
PYTEST = ["-q", "-p", "no:pytest_nameko", "-p", "no:cacheprovider", "-c", os.devnull, "-W", "ignore"]


def fetch():
    """Return the folder with Nameko's tests; downloads it once."""
    target = CACHE / SOURCES
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            pin = Path(folder) / "pin"
            pin.write_text(PIN + "\n")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            command += ["--no-build-isolation", "--require-hashes", "--dest", folder, "--requirement", str(pin)]
            subprocess.run(command, check=True)
            with tarfile.open(Path(folder) / f"{SOURCES}.tar.gz") as archive:
                archive.extractall(folder, filter="data")
            (Path(folder) / SOURCES / "test").rename(Path(folder) / "test")
            (Path(folder) / "only-tests").mkdir()
            (Path(folder) / "test").rename(Path(folder) / "only-tests" / "test")
            (Path(folder) / "only-tests").rename(target)  # the package itself is what is installed
    return target


def run(mode, *arguments):
    """Run the tests with `stock` Nameko or our `drop-in`; return by test its outcome, why, and if it used the drop-in.

    More arguments are pytest's.
    """
    sources = fetch()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        paths = [str(sources), str(FOLDER), str(REPOSITORY / "services" / "chassis" / "src")]
        environment = {**os.environ, "UPSTREAM_MODE": mode, "UPSTREAM_RESULTS": str(results)}
        environment |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore"}
        environment.pop("PYTEST_ADDOPTS", None)
        command = [sys.executable, str(FOLDER / "inner.py"), *PYTEST, *(arguments or FILES)]
        command += ["-k", " and ".join(f"not {name}" for name in LEFT_OUT)]
        ran = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT)
        if not results.exists():
            raise RuntimeError(f"Nameko's tests did not run: {ran.stdout[-3000:]}{ran.stderr[-3000:]}")
        return json.loads(results.read_text()), ran.stdout


def main():
    results, output = run(*sys.argv[1:])
    sys.stdout.write(output)
    for test, result in results.items():
        if result["outcome"] != "passed":
            sys.stdout.write(f"{result['outcome']} {test}{'' if result['drop_in'] else ' (stock)'}: {result['why']}\n")
    passed = [result for result in results.values() if result["outcome"] == "passed"]
    sys.stdout.write(f"{len(passed)} of {len(results)} passed, {sum(r['drop_in'] for r in passed)} with the drop-in\n")


if __name__ == "__main__":
    main()
