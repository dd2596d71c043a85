package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** Says who lives, as PostgreSQL would; any thread may use it. */
final class FakeFleet {
    private final AtomicLong runs = new AtomicLong(1000);
    private final List<Gateway> living = new CopyOnWriteArrayList<>();

    /** One that comes to life, in the lowest mailbox that is free. */
    Gateway register(String id) {
        var mailbox = 1;
        while (isTaken(mailbox)) mailbox++;
        var gateway = new Gateway(id, runs.incrementAndGet(), mailbox);
        living.add(gateway);
        return gateway;
    }

    private boolean isTaken(int mailbox) {
        return living.stream().anyMatch(gateway -> gateway.mailbox() == mailbox);
    }

    void bury(Gateway gateway) {
        living.remove(gateway);
    }

    void revive(Gateway gateway) {
        living.add(gateway);
    }

    /** What a gateway knows of the others; it knows each change at once. */
    Gateways seenBy(Supplier<Gateway> self) {
        return new View(self, this);
    }

    private record View(Supplier<Gateway> which, FakeFleet fleet) implements Gateways {
        @Override
        public Gateway self() {
            return which.get();
        }

        @Override
        public Collection<Gateway> others() {
            var self = self();
            return fleet.living.stream()
                    .filter(gateway -> !gateway.equals(self))
                    .toList();
        }

        @Override
        public Gateway find(String id) {
            return fleet.living.stream()
                    .filter(gateway -> gateway.id().equals(id))
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public boolean isAlone() {
            return others().isEmpty();
        }

        @Override
        public long period() {
            return self().run();
        }

        @Override
        public boolean hasAlwaysBeenAlone() {
            return isAlone();
        }
    }
}
