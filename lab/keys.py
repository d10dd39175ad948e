"""The lab's SSH keys: one to log in with, and one of each host's own, made before the host is."""

from lab.paths import SSH
from lab.process import run

CLIENT = SSH / "id_ed25519"
KNOWN_HOSTS = SSH / "known_hosts"
HOST_KEYS = SSH / "hosts"


def client():
    """The public key that logs in as root on every host."""
    return _key(CLIENT, "nameko-fleet-lab")


def host_key(host):
    """The host's own private key file, the public one beside it (`.pub`)."""
    file = HOST_KEYS / host
    _key(file, host)
    return file


def write_known_hosts(addresses):
    """Make the hosts in `addresses` (name to address) known; others stay known as they were."""
    known = {}
    if KNOWN_HOSTS.exists():
        for line in KNOWN_HOSTS.read_text().splitlines():
            names, _, key = line.partition(" ")
            known[names.split(",")[0]] = (names, key)
    for host, address in addresses.items():
        kind, key, _ = host_key(host).with_suffix(".pub").read_text().split(maxsplit=2)
        known[address] = (f"{address},{host}", f"{kind} {key}")
    lines = [f"{names} {key}\n" for names, key in known.values()]
    new = KNOWN_HOSTS.with_suffix(".new")
    new.write_text("".join(lines))
    new.replace(KNOWN_HOSTS)


def _key(file, comment):
    public = file.with_suffix(".pub")
    if not public.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file)
    return public.read_text()
