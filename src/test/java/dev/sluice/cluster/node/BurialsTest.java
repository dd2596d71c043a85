package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who is buried, and who hears of it. */
@Tag("postgres")
class BurialsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(1, 100, 100, 50);
    private static final Duration LEASE = Duration.ofSeconds(3);
    private static StoreRig rig;
    private final List<Member> members = new ArrayList<>();
    private Member a;
    private Member b;

    @BeforeAll
    static void start() {
        rig = new StoreRig(SERVER, SETTINGS);
    }

    @AfterAll
    static void stop() {
        rig.close();
    }

    @BeforeEach
    void enter() {
        SERVER.empty();
        a = entered("a");
        b = entered("b");
    }

    @AfterEach
    void leave() {
        members.forEach(Member::close);
    }

    private Member entered(String id) {
        var member = Member.of(rig, SETTINGS, id, LEASE).enter();
        members.add(member);
        return member;
    }

    private void awaitRightToBury() {
        b.turnUntil(() -> {
            a.turn();
            return b.membership.mayBury();
        });
    }

    /** All leases are over at once, that of the one that may bury included. */
    @Test
    void nobodyDiesWhenPostgresqlsClockIsPutForward() {
        awaitRightToBury();
        SERVER.execute("UPDATE node SET lease_until = lease_until - interval '1 h'");

        for (int i = 0; i < 3; i++) b.burials.turn();

        assertThat(SERVER.value("SELECT count(*) FROM node WHERE last_epoch IS NULL"))
                .isEqualTo("2");
        a.turn();
        assertThat(a.membership.isDead()).isFalse();
    }

    @Test
    void theDeadIsBuriedWhenPostgresqlsClockWasPutBack() {
        awaitRightToBury();
        a.kill();
        SERVER.execute("UPDATE node SET lease_until = lease_until + interval '1 h'");
        var begun = System.nanoTime();

        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(LEASE);
        assertThat(SERVER.value("SELECT id FROM node")).isEqualTo("b");
    }
}
