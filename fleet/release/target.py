"""What the hosts run, so what wheels are chosen for: Debian 13 on x86_64."""

from __future__ import annotations

PYTHON = "3.13"
ARCHITECTURE = "x86_64"
GLIBC_MINOR = 41  # Debian 13 has glibc 2.41

# Wheel platforms that such a host accepts, the closest first.
PLATFORMS = [f"manylinux_2_{minor}_{ARCHITECTURE}" for minor in range(GLIBC_MINOR, 4, -1)]
PLATFORMS += [f"{old}_{ARCHITECTURE}" for old in ("manylinux2014", "manylinux2010", "manylinux1")]

# As uv names the platform; the newest that it knows of those that such a host accepts.
UV_PLATFORM = f"{ARCHITECTURE}-manylinux_2_40"

# For the markers in lock files (`; python_version < "3.13"`).
MARKER_ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": f"{PYTHON}.0",
    "os_name": "posix",
    "platform_machine": ARCHITECTURE,
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
}
