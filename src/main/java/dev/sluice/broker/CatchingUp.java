package dev.sluice.broker;

import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.topic.TopicName;
import java.util.concurrent.Executor;

/**
 * Holds back what a client publishes to subscribers that are connected here, until this gateway has taken in its mailbox: what the client has
 * published at another gateway just before may lie there. Confined to the connection's event loop.
 */
final class CatchingUp {
    private final RemoteRouting remote;
    private final Executor loop;
    private final Runnable retry;
    private boolean begun;
    private boolean over;

    /** @param retry run once nothing is held back any more, on the loop */
    CatchingUp(RemoteRouting remote, Executor loop, Runnable retry) {
        this.remote = remote;
        this.loop = loop;
        this.retry = retry;
    }

    /** Whether a message of this topic has to wait. The first question begins it, so that a client that publishes nothing costs nothing. */
    boolean holdsBack(TopicName topicName) {
        if (over) return false;
        if (!begun) begin();
        return !over && remote.router().hasListeners(topicName);
    }

    private void begin() {
        begun = true;
        over = remote.relay().hasReadAll();
        if (!over)
            remote.relay()
                    .catchUp(() -> loop.execute(() -> {
                        over = true;
                        retry.run();
                    }));
    }
}
