package dev.sluice.ops;

import dev.sluice.clock.LogQueues;
import dev.sluice.config.StartOrder;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** Has the last lines of a stop written, the very last of which is Quarkus' own. On the thread that shuts down. */
@ApplicationScoped
class LastLines {
    void stop(@Observes @Priority(StartOrder.STOP_LOG) ShutdownEvent event) {
        LogQueues.end();
    }
}
