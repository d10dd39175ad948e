"""What decides for the fleet, on the controller: Ansible acts, this package decides (`python -m fleet --help`)."""
