package dev.sluice.cluster.node;

import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.support.Crossing;
import io.agroal.api.AgroalDataSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Owns gateways on one PostgreSQL that is empty at first, as far as they know of each other; used by one thread. */
final class MemberRig implements AutoCloseable {
    static final EmbeddedServer SERVER = EmbeddedServer.shared();
    static final Duration LEASE = Duration.ofSeconds(3);
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(1, 100, 100, 50);

    /** The way to PostgreSQL of those that are {@link #apart}; it can be cut. */
    final Crossing crossing = Crossing.to(SERVER.port());

    private final AgroalDataSource apart =
            StoreRig.pool("jdbc:postgresql://127.0.0.1:" + crossing.port() + "/postgres?user=postgres", 10);
    final StoreRig store = new StoreRig(SERVER, SETTINGS);
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final List<Member> members = new ArrayList<>();

    MemberRig() {
        SERVER.empty();
    }

    private Member member(LocalRelay relay, AgroalDataSource way, String id, Duration lease) {
        var member = new Member(relay, store, way, SETTINGS, id, lease);
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

    /** One that has another way to PostgreSQL for its lease, and that others tell something. */
    Member apart(String id) {
        return joined(id, apart);
    }

    /** One that others tell something. */
    Member joined(String id) {
        return joined(id, store.pool);
    }

    private Member joined(String id, AgroalDataSource way) {
        var relay = new LocalRelay(board, id);
        var member = member(relay, way, id, LEASE);
        relay.join();
        return member.enter();
    }

    /** The lease of this one is over, as PostgreSQL has it. */
    static void awaitLapse(String id) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> SERVER.value("SELECT lease_until <= now() FROM node WHERE id = '" + id + "'")
                        .equals("t"));
    }

    @Override
    public void close() {
        members.forEach(Member::close);
        apart.close();
        crossing.close();
        store.close();
    }
}
