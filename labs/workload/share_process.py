"""A member of a share group (KIP-932), as a process: it acknowledges each record by itself.

Accept: it is done. Release: another member may try. Reject: nobody shall try again. The broker
gives what a member took to others when the member has not acknowledged it in time.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from labs.kafka.security import adopt
from labs.workload.consumers import POLL_MS, share_options
from labs.workload.member_process import MemberProcess, Plan
from labs.workload.records import number_of

#: How long a broker may take to confirm acknowledgements, s.
CONFIRM_S = 10.0


class ShareProcess(MemberProcess):
    """Polls, processes, acknowledges, and reports each of these."""

    def connect(self) -> Any:
        """A share consumer that joins with its first poll."""
        from confluent_kafka import ShareConsumer

        consumer = ShareConsumer(share_options(self.plan))
        consumer.subscribe([self.plan.topic])
        return consumer

    def step(self, client: Any) -> None:
        """Poll once, process what came, and have it acknowledged."""
        messages = [m for m in client.poll(timeout=POLL_MS / 1000) if not m.error()]
        if not messages:
            return
        first = messages[0]
        self.tell("polled", n=len(messages), o={first.partition(): first.offset()})
        if self.nap_s:
            time.sleep(self.nap_s)
        for message in messages:
            self._take(client, message)
        self._confirm(client)

    def _take(self, client: Any, message: Any) -> None:
        from confluent_kafka import AcknowledgeType

        if self.process_ms:
            time.sleep(self.process_ms / 1000)
        partition, offset, value = message.partition(), message.offset(), message.value() or b""
        if number_of(value) in self.plan.fails:
            count = message.delivery_count()
            self.tell("refused", p=[partition], o={partition: offset}, n=count)
            client.acknowledge(message, AcknowledgeType[self.plan.on_failure.upper()])
        else:
            self.done(partition, offset, value)
            client.acknowledge(message, AcknowledgeType.ACCEPT)

    def _confirm(self, client: Any) -> None:
        for error in client.commit_sync(timeout=CONFIRM_S).values():
            if error is not None:
                self.failed(error)


if __name__ == "__main__":
    adopt()
    ShareProcess(Plan(**json.loads(sys.argv[1]))).run()
