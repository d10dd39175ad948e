"""The command line: ``python -m lab``."""

import argparse
import os
import sys

from lab.errors import LabError, UsageError
from lab.lab import Lab
from lab.paths import REPOSITORY

EXIT_STATUS = """\
exit status: 0 done; 1 it failed, or `status` found a host that is not up; 2 it can't be done as typed or on
this machine. `exec` and `ssh` give the command's own.
"""


def main(argv=None):
    """Carry out one verb and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        lab = Lab.from_inventory(arguments.inventory, say=_say)
        return arguments.act(lab, arguments) or 0
    except LabError as error:
        _say(f"lab: {error}")
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        _say("lab: interrupted; the same command again picks up what is half done.")
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="Debian hosts on this machine that stand in for the fleet's. Every verb may be repeated.",
        epilog=EXIT_STATUS,
    )
    _inventory(parser, REPOSITORY / "inventory" / "lab.yml")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _hosts(_verb(verbs, "up", _up, "make and boot the hosts; installs on this machine what it needs"))
    _hosts(_verb(verbs, "down", _down, "shut hosts down cleanly; their disks stay"))
    destroy = _hosts(
        _verb(
            verbs,
            "destroy",
            _destroy,
            "remove the hosts, their disks and saves; of named hosts the disks alone, so that `up` makes them anew",
        )
    )
    destroy.add_argument("--keep-image", action="store_true", help="keep the Debian image for the next `up`")
    _verb(verbs, "status", _status, "show each host; status 1 unless all are up")
    ssh = _host(_verb(verbs, "ssh", _ssh, "log in to a host, or run a shell command there, over its network"))
    ssh.add_argument("command", nargs=argparse.REMAINDER, help="what to run instead of a login shell")
    execute = _host(_verb(verbs, "exec", _exec, "run a command on a host past its network: one that is cut too"))
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- and the command")
    _hosts(_verb(verbs, "cut", _cut, "take hosts' links down"), required=True)
    _hosts(_verb(verbs, "heal", _heal, "bring hosts' links back"))
    _hosts(_verb(verbs, "kill", _kill, "cut hosts' power: no shutdown"), required=True)
    _hosts(_verb(verbs, "start", _start, "boot hosts again, their disks as they were"))
    _name(_verb(verbs, "save", _save, "keep all hosts' disks under a name"))
    _name(_verb(verbs, "restore", _restore, "bring all hosts' disks back as they were saved"))
    return parser


def _verb(verbs, name, act, text):
    verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXIT_STATUS)
    verb.set_defaults(act=act)
    # Without a default here, or it would win over what stands before the verb.
    _inventory(verb, argparse.SUPPRESS)
    return verb


def _inventory(parser, default):
    parser.add_argument(
        "--inventory",
        default=default,
        metavar="FILE",
        help="the Ansible inventory that lists the hosts (default: the project's inventory/lab.yml)",
    )


def _hosts(verb, required=False):
    default = "" if required else " (default: all)"
    verb.add_argument("hosts", nargs="+" if required else "*", metavar="HOST", help=f"hosts to act on{default}")
    return verb


def _host(verb):
    verb.add_argument("host", metavar="HOST")
    return verb


def _name(verb):
    verb.add_argument("name", metavar="NAME", help="the name of the save")
    return verb


def _up(lab, arguments):
    lab.up(*arguments.hosts)


def _down(lab, arguments):
    lab.down(*arguments.hosts)


def _destroy(lab, arguments):
    lab.destroy(*arguments.hosts, keep_image=arguments.keep_image)


def _ssh(lab, arguments):
    command = lab.ssh_command(arguments.host, _after_dashes(arguments.command))
    os.execvp(command[0], command)  # noqa: S606 - the terminal is ssh's from here on


def _exec(lab, arguments):
    command = _after_dashes(arguments.command)
    if not command:
        raise UsageError(f"exec needs a command: `python -m lab exec {arguments.host} -- uptime`.")
    return lab.exec(arguments.host, command).returncode


def _cut(lab, arguments):
    lab.cut(*arguments.hosts)


def _heal(lab, arguments):
    lab.heal(*arguments.hosts)


def _kill(lab, arguments):
    lab.kill(*arguments.hosts)


def _start(lab, arguments):
    lab.start(*arguments.hosts)


def _save(lab, arguments):
    lab.save(arguments.name)


def _restore(lab, arguments):
    lab.restore(arguments.name)


def _status(lab, arguments):
    del arguments
    rows = [("HOST", "ADDRESS", "STATE", "PID", "MEMORY", "DISK")]
    found = lab.status()
    for host in found:
        disk = f"{_mib(host.disk_used)} of {_mib(host.disk_size)}" if host.disk_size else "-"
        rows.append((host.host, host.address, host.state, str(host.pid or "-"), _mib(host.memory), disk))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201
    return 0 if all(host.state == "up" for host in found) else 1


def _mib(size):
    return "-" if size is None else f"{size / 2**20:.0f} MiB"


def _after_dashes(command):
    return command[1:] if command[:1] == ["--"] else command


def _say(line):
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the command line
