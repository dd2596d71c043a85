package dev.sluice.cluster.node;

import static dev.sluice.cluster.node.MemberRig.SERVER;
import static dev.sluice.cluster.node.MemberRig.SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who is buried, and who hears of it. */
@Tag("postgres")
class BurialsTest {
    private final MemberRig rig = new MemberRig();
    private final Member a = rig.apart("a");
    private final Member b = rig.joined("b");

    @AfterEach
    void leave() {
        rig.close();
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
        var begun = rig.clock.passed();

        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));

        assertThat(rig.clock.passed().minus(begun)).isGreaterThanOrEqualTo(SHORT);
        assertThat(SERVER.value("SELECT id FROM node")).isEqualTo("b");
    }

    /** It cannot ask PostgreSQL, which may be away for all. */
    @Test
    void whoeverIsCutOffHearsFromOthersThatItIsDead() {
        var ended = new AtomicBoolean();
        a.membership.onDeath(() -> ended.set(true));
        awaitRightToBury();
        var run = a.self().run();
        rig.crossing.swallow();
        a.membership.turn();
        assertThat(a.lease.lasts()).isTrue();
        assertThat(ended).isFalse();

        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));

        await().untilTrue(ended);
        assertThat(a.lease.lasts()).isFalse();
        a.membership.turn();
        assertThat(a.membership.isDead()).isTrue();
        assertThat(a.lease.lasts()).isFalse();
        rig.crossing.lead(SERVER.port());
        await().until(() -> {
            a.membership.turn();
            return !a.membership.isDead();
        });
        assertThat(a.self().run()).isGreaterThan(run);
        assertThat(a.lease.lasts()).isTrue();
    }

    /** What is said of an earlier run comes late. */
    @Test
    void whatIsSaidOfAnEarlierRunHarmsNobody() {
        a.membership.heardDead(a.self().run() - 1);

        assertThat(a.lease.lasts()).isTrue();
        a.membership.turn();
        assertThat(a.membership.isDead()).isFalse();
    }

    /** They took it for silent, and have sent its clients nothing. */
    @Test
    void whoeverWasCutOffWhileOthersCameEndsItsConnections() {
        var mayRead = new AtomicBoolean(true);
        a.membership.onDeath(() -> mayRead.set(a.lease.lasts()));
        a.membership.turn();
        rig.crossing.swallow();
        rig.passLease();
        a.membership.turn();
        assertThat(a.lease.lasts()).isTrue();
        var period = a.membership.period();
        var c = rig.joined("c");
        assertThat(c.membership.find("a")).isNull();
        assertThat(mayRead).isTrue();

        rig.crossing.lead(SERVER.port());
        await().until(() -> {
            a.membership.turn();
            return a.membership.others().contains(c.self());
        });

        assertThat(mayRead).isFalse();
        assertThat(a.membership.period()).isNotEqualTo(period);
        assertThat(a.lease.lasts()).isTrue();
        assertThat(a.membership.isDead()).isFalse();
    }
}
