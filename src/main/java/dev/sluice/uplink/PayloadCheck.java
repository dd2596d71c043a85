package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.uplink.contract.CheckOverrun;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.record.Destination;
import dev.sluice.uplink.route.Failure;
import java.util.concurrent.Executor;

/**
 * The check of one connection's PUBLISHes against the contracts of their routes, one at a time: on the event loop if it is brief, else on
 * one of the {@link CheckThreads}. Confined to the connection's event loop.
 */
final class PayloadCheck {
    private final CheckThreads threads;
    private final Executor loop;

    /** What the failures are about; another destination, once the routes have changed. */
    private Packet.Publish publish;

    private Destination destination;
    private Failure[] failures;
    private boolean running;
    private boolean dropped;

    PayloadCheck(CheckThreads threads, Executor loop) {
        this.threads = threads;
        this.loop = loop;
    }

    boolean isRunning() {
        return running;
    }

    /** Nobody waits for a check any more. */
    void drop() {
        dropped = true;
        running = false;
    }

    /** Returns whether the {@link #failures} are known; else {@code then} runs on the loop once they are. */
    boolean isDone(Packet.Publish asked, Destination leads, Runnable then) {
        if (asked == publish && leads == destination) return true;
        try {
            done(asked, leads, leads.failures(asked.payload(), Effort.BRIEF));
            return true;
        } catch (CheckOverrun _) {
            running = true;
            threads.run(() -> {
                var found = leads.failures(asked.payload(), Effort.FULL);
                loop.execute(() -> finished(asked, leads, found, then));
            });
            return false;
        }
    }

    private void finished(Packet.Publish asked, Destination leads, Failure[] found, Runnable then) {
        if (dropped) return;
        running = false;
        done(asked, leads, found);
        then.run();
    }

    private void done(Packet.Publish asked, Destination leads, Failure[] found) {
        publish = asked;
        destination = leads;
        failures = found;
    }

    /** Why the message cannot have its records, one entry for each target; null if it can. Checks it here if nobody has. */
    Failure[] failures(Packet.Publish asked, Destination leads) {
        var found = asked == publish && leads == destination ? failures : leads.failures(asked.payload(), Effort.FULL);
        done(null, null, null);
        return found;
    }
}
