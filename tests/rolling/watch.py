"""Watches from the app hosts themselves, while something goes on, how many instances of a service take calls."""

import json
import threading

STOP = "/run/fleet-watch.stop"
# Five times a second, on the host: the instances of a service that answer 200 on /ready, the fewest that there were.
WATCH = f"""
import configparser, glob, http.client, json, os, re, sys, time
service, address = sys.argv[1:]
fewest = None
while not os.path.exists("{STOP}"):
    taking = 0
    for path in glob.glob("/etc/supervisor/conf.d/" + service + "-*.conf"):
        try:
            text = open(path).read()
            connection = http.client.HTTPConnection(address, int(re.search(r'FLEET_PORT="(\\d+)"', text)[1]), timeout=2)
            connection.request("GET", "/ready")
            taking += connection.getresponse().status == 200
            connection.close()
        except (OSError, http.client.HTTPException):
            pass
    fewest = taking if fewest is None else min(fewest, taking)
    time.sleep(0.2)
print(json.dumps(fewest))
"""


class Takers:
    """`with Takers(lab, inventory, "greeting") as takers: ...`; afterwards `takers.fewest`, by host."""

    def __init__(self, lab, inventory, service):
        self._lab, self._service = lab, service
        self._addresses = {host: inventory.hostvars[host]["ansible_host"] for host in inventory.groups["app"]}
        self.fewest = {}

    def __enter__(self):
        self._on_each(["rm", "-f", STOP])
        self._threads = [threading.Thread(target=self._watch, args=one) for one in self._addresses.items()]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._on_each(["touch", STOP])
        for thread in self._threads:
            thread.join()

    def _on_each(self, argv):
        for host in self._addresses:
            self._lab.exec(host, argv, check=True)

    def _watch(self, host, address):
        argv = ["python3", "-c", WATCH, self._service, address]
        done = self._lab.exec(host, argv, capture_output=True, text=True, check=True, timeout=900)
        self.fewest[host] = json.loads(done.stdout)
