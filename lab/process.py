"""Running the machine's commands."""

import subprocess

from lab.errors import LabError


def follow(argv, say):
    """Run a command, passing each line that it prints to `say`; raises LabError when it fails.

    The command ends with this process, so that nothing goes on behind the back of the lab's lock.
    """
    argv = ["setpriv", "--pdeathsig", "KILL", *map(str, argv)]
    last = ""
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            last = line.strip()
            say(last)
    if process.returncode:
        raise LabError(f"{argv[3]} failed with status {process.returncode}: {last or 'it printed nothing'}")


def run(*argv, check=True, **options):
    """Run a command quietly and return the finished process, its output as text.

    Raises LabError with the command and what it printed when it fails and `check` is set.
    """
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()[-1]
        raise LabError(f"`{' '.join(argv)}` failed with status {done.returncode}: {said}")
    return done
