"""Where the lab keeps things. One lab a machine, whatever clone of the project runs it."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# Survives a reboot of the machine.
STATE = Path("/var/lib/nameko-fleet-lab")
IMAGES = STATE / "images"
STORE_FILE = STATE / "store.xfs"
SSH = STATE / "ssh"
OWNER = STATE / "owner"
RESUME = STATE / "resume"

# Gone with a reboot, like everything that it describes.
RUN = Path("/run/nameko-fleet-lab")
STORE = RUN / "store"
HOSTS = RUN / "hosts"
LOCK = RUN / "lock"
