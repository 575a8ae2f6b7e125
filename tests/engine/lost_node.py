"""``python lost_node.py OUT RUN…``: ``fevbench RUN`` on three nodes, one of which is killed meanwhile."""

import sys
import threading
import time
from pathlib import Path

import tiny
from ray.cluster_utils import Cluster

from fevbench.cli.main import main


def lose(cluster: Cluster, node: object, out: Path) -> None:
    """Kill a node as soon as a part of the clips is there."""
    while len(list(out.glob("clips/*.mkv"))) < 5:  # four are made by the driver, before the nodes begin
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)
    print("lost a node", file=sys.stderr)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    others = [nodes.add_node(num_cpus=1) for _ in range(2)]
    nodes.wait_for_nodes()
    threading.Thread(target=lose, args=(nodes, others[1], folder), daemon=True).start()
    tiny.register()
    main([*sys.argv[2:], "--out", str(folder), "--engine", "ray", "--address", nodes.address])
