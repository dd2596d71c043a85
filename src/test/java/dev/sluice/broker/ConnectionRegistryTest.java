package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.routing.FakeRecipient;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Connections of one client that have said DISCONNECT one after the other, with something under way. */
class ConnectionRegistryTest {
    private final ConnectionRegistry<Link> registry =
            new ConnectionRegistry<>(_ -> CompletableFuture.completedFuture(0L));
    private final List<Link> under = new ArrayList<>();
    private final Link first = finishing(1, null);
    private final Link second = finishing(2, first);
    private final Link third = finishing(3, second);

    private Link finishing(long epoch, Link before) {
        var line = new Link(epoch, before);
        under.add(line);
        registry.finishing(line);
        return line;
    }

    private void finished(Link line) {
        under.remove(line);
        registry.finished(line, Link::before, under::contains);
    }

    @Test
    void whoseMessagesAreStillUnderWayComesBeforeTheNext() {
        assertThat(registry.finishing("c")).isSameAs(third);
        finished(third); // it has given up
        assertThat(registry.finishing("c")).isSameAs(second);
        finished(second);
        finished(first);
        assertThat(registry.finishing("c")).isNull();
    }

    /** The one before it has just finished, on another loop, and could not know that it would be put back. */
    @Test
    void whoHasFinishedMeanwhileDoesNotHideThoseBefore() {
        finished(second);
        assertThat(registry.finishing("c")).isSameAs(third);
        finished(third);
        assertThat(registry.finishing("c")).isSameAs(first);
        finished(first);
        assertThat(registry.finishing("c")).isNull();
    }

    /** A connection, and the one of its client before it. */
    private record Link(long epoch, Link before) implements FakeRecipient {
        @Override
        public String clientId() {
            return "c";
        }
    }
}
