"""What modules say of a host, apart from Ansible."""

import hashlib
import importlib.util
import json
import py_compile
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from fleet.paths import ROOT


def module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "plugins" / "modules" / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def drained(tmp_path, monkeypatch):
    """The module haproxy_drained, on a host whose HAProxy has its socket in a folder of the test."""
    loaded = module("haproxy_drained")
    monkeypatch.setattr(loaded, "ADMIN", str(tmp_path / "admin.sock"))
    return loaded


def test_a_host_without_haproxy_sends_nothing_to_anybody(drained):
    assert drained.serving("gateway", ["app1-a1"]) == {}


def test_nor_does_one_whose_haproxy_has_ended(drained):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(drained.ADMIN)

    assert drained.serving("gateway", ["app1-a1"]) == {}


@pytest.fixture
def instance(tmp_path):
    """The files of an instance as a deployment writes them, with its record of them."""
    files = [tmp_path / "greeting-1.0.0-a1.yml", tmp_path / "greeting-1.0.0-a1.conf"]
    for path in files:
        path.write_text(path.name)
    record = tmp_path / "greeting-1.0.0-a1.sha1"
    record.write_text(" ".join(hashlib.sha1(path.read_bytes()).hexdigest() for path in files) + "\n")  # noqa: S324
    return files, record


def test_an_instance_whose_files_nobody_touched_is_as_written(instance):
    assert module("service_instances").is_as_written(*instance)


@pytest.mark.parametrize("number", [0, 1])
def test_one_with_a_file_that_was_edited_or_is_gone_is_not(instance, number):
    files, record = instance
    files[number].write_text("by hand")
    assert not module("service_instances").is_as_written(files, record)
    files[number].unlink()
    assert not module("service_instances").is_as_written(files, record)


def test_nor_is_one_without_a_record(instance):
    files, record = instance
    record.unlink()
    assert not module("service_instances").is_as_written(files, record)


def test_the_disk_below_var_is_told_where_it_is_another(monkeypatch):
    loaded = module("fleet_host")
    devices = {"/opt": 1, "/var": 1, "/var/cache": 1, "/var/lib": 2, "/var/log": 3}
    free = {"/var/lib": 700, "/var/log": 50}

    class Path:
        def __init__(self, path):
            self.path = path
            self.st_dev = devices.get(path)

        def is_dir(self):
            return self.path in devices

        def stat(self):
            return self

    monkeypatch.setattr(loaded, "Path", Path)
    monkeypatch.setattr(loaded, "free_mb", free.__getitem__)
    assert loaded.var_free_mb() == 50
    devices |= dict.fromkeys(devices, 1)
    assert loaded.var_free_mb() is None


@pytest.fixture
def upload(tmp_path):
    """A release as it arrives on a host, and its manifest's hash by what it says of the contract."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "contract.json").write_text("{}")

    def write(**described):
        (tmp_path / "manifest.json").write_text(json.dumps({"wheels": [], **described}))
        return tmp_path, hashlib.sha256((tmp_path / "manifest.json").read_bytes()).hexdigest()

    return write


def test_a_host_takes_a_release_whose_contract_is_the_manifests_or_that_has_none(upload):
    module("service_release").verify(*upload(contract_sha256=hashlib.sha256(b"{}").hexdigest()))
    folder, digest = upload()
    (folder / "contract.json").unlink()
    module("service_release").verify(folder, digest)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("[]")])
def test_a_host_refuses_a_release_whose_contract_is_another(upload, damage):
    loaded = module("service_release")
    folder, digest = upload(contract_sha256=hashlib.sha256(b"{}").hexdigest())
    damage(folder / "contract.json")

    with pytest.raises(loaded.RefusedError, match="is missing or corrupt"):
        loaded.verify(folder, digest)


def test_a_host_keeps_the_wheels_that_its_releases_have_and_no_others(upload, tmp_path, monkeypatch):
    loaded, said = module("service_release"), []
    monkeypatch.setattr(loaded, "STORE", tmp_path / "store")
    monkeypatch.setattr(loaded, "run", lambda _module, command, **_: said.append(command))
    source, _ = upload()
    for name in ("nameko-2.whl", "fleet_mail-1.0.0.whl"):
        (source / "wheels" / name).write_text(name)
    digest = hashlib.sha256(b"nameko-2.whl").hexdigest()
    (tmp_path / "store" / digest).mkdir(parents=True)
    (tmp_path / "store" / digest / "nameko-2.whl").write_text("nam")  # of a power cut
    kept, left = loaded.stored(source, {"nameko-2.whl": digest, "fleet_mail-1.0.0.whl": "bb"})
    release = tmp_path / "releases" / "mail" / "2.0.0"
    release.mkdir(parents=True)
    (release / "manifest.json").write_text(json.dumps({"wheels": [{"file": "nameko-2.whl", "sha256": digest}]}))

    loaded.clear_store(SimpleNamespace(params={"uv": "uv"}), tmp_path / "releases")

    assert (kept / "nameko-2.whl").read_text() == "nameko-2.whl"
    assert not left.exists()
    assert said == [["uv", "--quiet", "cache", "clean", "fleet_mail"]]


def test_a_host_keeps_all_wheels_while_it_cannot_read_which_a_release_has(tmp_path, monkeypatch):
    loaded = module("service_release")
    monkeypatch.setattr(loaded, "STORE", tmp_path / "store")
    (tmp_path / "store" / "aa").mkdir(parents=True)
    release = tmp_path / "releases" / "mail" / "2.0.0"
    release.mkdir(parents=True)
    (release / "manifest.json").write_text('{"wheels": [')  # of a power cut

    loaded.clear_store(SimpleNamespace(params={"uv": "uv"}), tmp_path / "releases")

    assert (tmp_path / "store" / "aa").exists()


@pytest.fixture
def installing(tmp_path, monkeypatch):
    """What uv keeps, a folder; what marks it as half written, a file; each command and whether the mark was there."""
    loaded, said = module("service_release"), []
    monkeypatch.setattr(loaded, "CACHE", tmp_path / "uv")
    monkeypatch.setattr(loaded, "INSTALLING", tmp_path / "installing")
    mark = loaded.INSTALLING
    monkeypatch.setattr(loaded, "run", lambda _module, command, **_: said.append((*command, mark.exists())))
    loaded.CACHE.mkdir()
    return SimpleNamespace(cache=loaded.CACHE, mark=mark, lasting=loaded.lasting, said=said)


def test_a_release_is_on_the_disk_before_it_counts(installing, tmp_path):
    with installing.lasting(None, tmp_path / "releases"):
        assert installing.mark.exists()

    # The mark lasts before anything is made, and until all of it does.
    assert installing.said == [
        ("sync", tmp_path, True),
        ("sync", "--file-system", tmp_path, tmp_path / "releases", True),
    ]
    assert not installing.mark.exists()
    assert installing.cache.exists()


def test_after_an_end_in_the_middle_nothing_is_made_of_what_uv_had_unpacked(installing, tmp_path):
    with pytest.raises(OSError, match="off"), installing.lasting(None, tmp_path):
        raise OSError("off")
    assert installing.mark.exists()

    with installing.lasting(None, tmp_path):
        assert not installing.cache.exists()


@pytest.fixture
def venv(tmp_path):
    """`venv(name, **files)`: a release's venv, with files of that text; a path in their place is linked."""

    def make(name, **files):
        folder = tmp_path / name / "venv" / "lib" / "python3.13" / "site-packages"
        folder.mkdir(parents=True)
        for module_name, content in files.items():
            file = folder / f"{module_name}.py"
            if isinstance(content, Path):
                file.hardlink_to(content)
            else:
                file.write_text(content)
        return folder

    return make


def compiled(file):
    # Without sys.pycache_prefix, which `make` sets here and nobody on a host.
    return file.parent / "__pycache__" / Path(importlib.util.cache_from_source(file.name)).name


def test_what_another_release_has_compiled_of_the_same_file_is_taken_from_there(venv, tmp_path):
    loaded = module("service_release")
    former = venv("greeting/1.0.0", same="a = 1", other="b = 1")
    for file in former.glob("*.py"):
        py_compile.compile(str(file), cfile=str(compiled(file)))
    new = venv("greeting/2.0.0.unfinished", same=former / "same.py", other="b = 1", unknown="c = 1")

    loaded.reuse_bytecode(tmp_path / "greeting/2.0.0.unfinished/venv", tmp_path.glob("*/*/venv"))

    assert compiled(new / "same.py").samefile(compiled(former / "same.py"))
    assert not compiled(new / "other.py").exists()
    assert not compiled(new / "unknown.py").exists()


def test_what_nobody_has_compiled_is_left_to_be_compiled(venv, tmp_path):
    former = venv("trips/1.0.0", same="a = 1")
    new = venv("greeting/2.0.0.unfinished", same=former / "same.py")

    module("service_release").reuse_bytecode(tmp_path / "greeting/2.0.0.unfinished/venv", tmp_path.glob("*/*/venv"))

    assert not compiled(new / "same.py").exists()
