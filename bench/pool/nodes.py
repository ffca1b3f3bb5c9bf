"""Nodes for bench/pool and tests/pool_nodes.bats: network namespaces joined by a bridge, which lies in one of its own; each
node has its own /dev/shm. Root. Nothing of the machine's own network changes."""
import json
import os
import signal
import subprocess
import time

NET = "10.77.0.%d"


def sh(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Nodes:
    def __init__(self, count):
        self.count, self.made = count, []
        self.base = "o4n%d" % (os.getpid() % 100000)
        self.switch = self.base + "s"
        try:
            self.add(self.switch)
            sh("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge")
            sh("ip", "-n", self.switch, "link", "set", "br0", "up")
            for i in range(count):
                name = self.name(i)
                self.add(name)
                sh("ip", "-n", self.switch, "link", "add", "v%d" % i, "type", "veth", "peer", "name", "eth0", "netns", name)
                sh("ip", "-n", self.switch, "link", "set", "v%d" % i, "master", "br0", "up")
                sh("ip", "-n", name, "addr", "add", NET % (i + 1) + "/24", "dev", "eth0")
                sh("ip", "-n", name, "link", "set", "eth0", "up")
                sh("ip", "-n", name, "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    def add(self, name):
        sh("ip", "netns", "add", name)
        self.made.append(name)

    def name(self, i):
        return "%s%d" % (self.base, i)

    def within(self, i):
        """The words before a command that is to run on node i."""
        return ["ip", "netns", "exec", self.name(i), "unshare", "-m", "sh", "-c",
                'mount -t tmpfs -o size=4G,mode=1777 tmpfs /dev/shm && exec "$@"', "sh"]

    def servers(self, port=11211):
        return ",".join("%s:%d" % (NET % (i + 1), port) for i in range(self.count))

    def sent(self):
        """Bytes that all nodes have sent over the bridge so far."""
        links = json.loads(sh("ip", "-n", self.switch, "-s", "-j", "link", "show"))
        return sum(link["stats64"]["rx"]["bytes"] for link in links if link["ifname"].startswith("v"))

    def cut(self, i, how="down"):
        """Node i is parted from the others."""
        sh("ip", "-n", self.switch, "link", "set", "v%d" % i, how)

    def memcached(self, i):
        """The process of node i's server."""
        for pid in sh("ip", "netns", "pids", self.name(i)).split():
            try:
                with open("/proc/%s/comm" % pid) as f:
                    if f.read().strip() == "memcached":
                        return int(pid)
            except OSError:
                pass
        return None

    def close(self):
        for name in reversed(self.made):
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        self.made = []
        time.sleep(.1)
