package dev.sluice.cluster.node;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.support.Crossing;
import io.agroal.api.AgroalDataSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Owns gateways on one PostgreSQL that is empty at first, as far as they know of each other; used by one thread. */
final class MemberRig implements AutoCloseable {
    static final EmbeddedServer SERVER = EmbeddedServer.shared();
    /** By a clock that stands still unless the test has it {@link MovedClock#pass pass}. */
    static final Duration LEASE = Duration.ofMinutes(1);
    /** A fifth of it is how long a call may take in fact. */
    static final Duration SHORT = Duration.ofSeconds(5);

    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(1, 100, 100, 50);

    final MovedClock clock = new MovedClock(SERVER);

    /** The way to PostgreSQL of those that are {@link #apart}; it can be cut. */
    final Crossing crossing = Crossing.to(SERVER.port());

    private final AgroalDataSource apart = Pools.hasty(
            "jdbc:postgresql://127.0.0.1:" + crossing.port() + "/postgres?user=postgres",
            10,
            MovedClock.SQL,
            Duration.ofMillis(500));
    final StoreRig store = new StoreRig(Pools.patient(SERVER, MovedClock.SQL), SETTINGS);
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final List<Member> members = new ArrayList<>();

    MemberRig() {
        SERVER.empty();
    }

    private Member member(LocalRelay relay, AgroalDataSource way, String id, Duration lease) {
        var member = new Member(relay, store, way, SETTINGS, clock, id, lease);
        members.add(member);
        return member;
    }

    /** One that nobody tells anything, and that has not registered. */
    Member member(String id, Duration lease) {
        return member(LocalRelay.alone(), store.pool, id, lease);
    }

    Member entered(String id, Duration lease) {
        return member(id, lease).enter();
    }

    /** One that has another way to PostgreSQL for its lease, and that others tell something. It gives a call up soon. */
    Member apart(String id) {
        return joined(id, apart, SHORT);
    }

    /** One that others tell something. */
    Member joined(String id) {
        return joined(id, store.pool, SHORT);
    }

    private Member joined(String id, AgroalDataSource way, Duration lease) {
        var relay = new LocalRelay(board, id);
        var member = member(relay, way, id, lease);
        relay.join();
        return member.enter();
    }

    /** All leases are over that nobody renews meanwhile. */
    void passLease() {
        clock.pass(LEASE.plusSeconds(1));
    }

    @Override
    public void close() {
        members.forEach(Member::close);
        apart.close();
        crossing.close();
        store.close();
    }
}
