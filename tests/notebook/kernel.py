"""kernel.py KERNEL DATA: a Jupyter kernel by jupyter_client, as a notebook has it: the same loader read whole, left half read, in a cell that is
interrupted, and after the kernel was restarted, by its leave and by kill. Prints what its cells print."""

import sys
import time

from jupyter_client.manager import KernelManager

LOADER = """
import os, torch, time
from torchvision import datasets
data = datasets.DatasetFolder(%r, loader=lambda p: open(p, "rb").read(), extensions=(".jpg",))
g = torch.Generator(); g.manual_seed(3)
loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, num_workers=2, generator=g, collate_fn=lambda b: sum(map(sum, b_bytes(b))))
""" % sys.argv[2]
SETUP = "def b_bytes(batch):\n    return ([len(raw)] + list(raw[:8]) for raw, label in batch)\n" + LOADER


def main():
    km = KernelManager(kernel_name=sys.argv[1])
    km.start_kernel()
    kc = km.client()
    kc.start_channels()
    kc.wait_for_ready(timeout=120)

    def cell(code):
        out, r = [], "aborted"
        while r == "aborted":      # unread, as is all that comes right behind a cell that failed
            r = kc.execute_interactive(code, timeout=200, output_hook=lambda m: out.append(
                m["content"].get("text", "") + "\n".join(m["content"].get("traceback", []))))["content"]["status"]
        print(r, "".join(out).strip(), flush=True)

    try:
        cell(SETUP + "print(sum(loader))")
        cell("print(sum(loader))")
        cell("it = iter(loader); print(next(it), next(it))")      # left half read, and not closed
        cell("print(sum(loader))")
        asked = kc.execute("for batch in loader:\n    time.sleep(.2)\n")
        time.sleep(2)
        km.interrupt_kernel()
        answer = kc.get_shell_msg(timeout=100)
        while answer["parent_header"].get("msg_id") != asked:
            answer = kc.get_shell_msg(timeout=100)
        print("ok", answer["content"].get("ename", "read to the end"), flush=True)
        cell("print(sum(loader))")
        for now in (False, True):
            km.restart_kernel(now=now)
            kc.wait_for_ready(timeout=120)
            cell(SETUP + "print(sum(loader))")
            cell("print(sum(loader))")
        cell("print('opt4 %s' % ('libopt4' in open('/proc/self/maps').read()))")
    finally:
        kc.stop_channels()
        km.shutdown_kernel()


if __name__ == "__main__":
    main()
