package dev.sluice.cluster.node;

import static dev.sluice.cluster.node.MemberRig.LEASE;
import static dev.sluice.cluster.node.MemberRig.SERVER;
import static dev.sluice.cluster.node.MemberRig.SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.node.NodeLease.Report;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("postgres")
@Timeout(300)
class MembershipTest {
    private final MemberRig rig = new MemberRig();

    @AfterEach
    void leave() {
        rig.close();
    }

    private Member entered(String id, Duration lease) {
        return rig.entered(id, lease);
    }

    @Test
    void theLowestFreeMailboxIsTaken() {
        assertThat(entered("a", LEASE).self().mailbox()).isEqualTo(1);
        var second = entered("b", LEASE);
        assertThat(second.self().mailbox()).isEqualTo(2);
        assertThat(entered("c", LEASE).self().mailbox()).isEqualTo(3);

        second.membership.stop(null);

        assertThat(SERVER.value("SELECT string_agg(id, ' ' ORDER BY id) FROM node"))
                .isEqualTo("a c");
        assertThat(entered("d", LEASE).self().mailbox()).isEqualTo(2);
    }

    @Test
    void aNameThatLivesIsRefused() {
        var first = entered("a", LEASE);
        first.membership.start(null);
        var second = rig.member("a", LEASE);

        var entering = CompletableFuture.runAsync(second::enter);
        while (!entering.isDone()) {
            rig.clock.pass(LEASE.dividedBy(10));
            first.membership.refresh();
            await().until(() -> SERVER.value("SELECT lease_until - moved.now() > interval '59 s' FROM node")
                    .equals("t"));
        }

        assertThatThrownBy(entering::join)
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("A gateway with the name a (sluice.node.id) runs already");

        assertThat(first.membership.isDead()).isFalse();
        first.membership.stop(null);
        assertThat(SERVER.value("SELECT count(*) FROM node")).isEqualTo("0");
    }

    @Test
    void whoeverWasKilledHasASuccessorAtOnce() {
        var first = entered("a", LEASE);
        entered("b", LEASE);
        first.kill();

        var next = entered("a", LEASE); // though no time passes

        assertThat(next.self().run()).isGreaterThan(first.self().run());
        assertThat(next.self().mailbox()).isEqualTo(1);
    }

    /** Its connection is open: only its lease tells. */
    @Test
    void whoeverIsFrozenHasASuccessorWhenItsLeaseIsOver() {
        var first = entered("a", LEASE);
        var dead = new AtomicBoolean();
        first.membership.onDeath(() -> dead.set(true));
        rig.passLease();

        var next = entered("a", LEASE);

        assertThat(next.self().run()).isGreaterThan(first.self().run());
        first.membership.turn();
        assertThat(dead).isTrue();
        assertThat(first.membership.isDead()).isTrue();
        assertThat(first.lease.lasts()).isFalse();
        next.turn();
        assertThat(next.membership.isDead()).isFalse();
    }

    @Test
    void gatewaysKnowEachOther() {
        var a = entered("a", LEASE);
        assertThat(a.membership.isAlone()).isTrue();
        var b = entered("b", LEASE);
        a.turn();
        b.turn();

        assertThat(a.membership.others()).containsExactly(b.self());
        assertThat(b.membership.find("a")).isEqualTo(a.self());
        assertThat(b.membership.find("b")).isEqualTo(b.self());
        assertThat(b.membership.find("c")).isNull();
        assertThat(a.membership.isAlone()).isFalse();

        b.membership.stop(null);
        a.turn();
        assertThat(a.membership.isAlone()).isTrue();
    }

    @Test
    void oneSweepsAndAnotherTakesOverWhenItDies() {
        var a = entered("a", LEASE);
        var b = entered("b", LEASE);
        a.turn();
        b.turn();
        assertThat(a.sweeps.isOurs()).isTrue();
        assertThat(b.sweeps.isOurs()).isFalse();

        a.kill();

        b.turnUntil(b.sweeps::isOurs);
    }

    @Test
    void theDeadIsBuriedWhenItsLeaseIsOver() throws Exception {
        var a = entered("a", LEASE);
        var b = entered("b", LEASE);
        open("client", "a", 60);
        SERVER.execute("INSERT INTO will (client_id, delay_seconds, topic, qos, retain, payload)"
                + " VALUES ('client', 0, 't', 0, false, '')");
        SERVER.execute(
                "INSERT INTO will (client_id, delay_seconds, topic, qos, retain, payload, due_at, leased_until, leased_by)"
                        + " VALUES ('other', 0, 't', 0, false, '', now(), now() + interval '1 h', 'a')");
        SERVER.execute(
                "INSERT INTO spool_holder VALUES (1, 'a', now() + interval '1 h'), (2, 'b', now() + interval '1 h')");
        b.turn();
        assertThat(b.membership.others()).hasSize(1);

        a.kill();
        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));

        assertThat(SERVER.value("SELECT connected FROM session")).isEqualTo("f");
        assertThat(SERVER.value("SELECT count(*) FROM will WHERE due_at <= moved.now() AND leased_by IS NULL"))
                .isEqualTo("2");
        assertThat(SERVER.value("SELECT string_agg(node, ' ') FROM spool_holder"))
                .isEqualTo("b");
        for (int i = 0; i < 2; i++) b.turn();
        assertThat(b.membership.isAlone()).isTrue();
        assertThat(b.meters.get("sluice.nodes.buried").counter().count()).isEqualTo(1);
        assertThat(b.meters.get("sluice.nodes.alive").gauge().value()).isEqualTo(1);
        assertThat(entered("c", LEASE).self().mailbox()).isEqualTo(1);
    }

    /** What it opened before it was killed again, and before the burial of its first run was over, is buried as well. */
    @Test
    void aSuccessorGoesOnWithTheBurial() throws Exception {
        var a = entered("a", LEASE);
        open("first", "a", 60);
        a.kill();
        var next = entered("a", LEASE);
        open("second", "a", 60);

        next.turn();

        assertThat(SERVER.value("SELECT string_agg(client_id, ' ') FROM session WHERE connected"))
                .isEqualTo("second");
    }

    @Test
    void afterAnOutageNobodyIsBuried() throws Exception {
        var a = entered("a", LEASE);
        var b = entered("b", LEASE);
        open("client", "a", 60);
        b.turnUntil(() -> {
            a.turn();
            return b.membership.mayBury();
        });
        rig.passLease();

        b.turn();
        b.turn();
        assertThat(b.membership.mayBury()).isFalse();
        assertThat(b.membership.others()).as("it may come back").hasSize(1);
        assertThat(SERVER.value("SELECT count(*) FROM node WHERE last_epoch IS NOT NULL"))
                .isEqualTo("0");

        a.turn();
        b.turnUntil(() -> {
            a.turn();
            return b.membership.mayBury();
        });
        b.turn();
        assertThat(a.membership.isDead()).isFalse();
        assertThat(SERVER.value("SELECT connected FROM session")).isEqualTo("t");
    }

    /** No socket is read, as the lease is over, until all connections are ended and it has begun anew. */
    @Test
    void whoeverWasTakenForDeadBeginsAnew() throws Exception {
        var a = entered("a", LEASE);
        var b = entered("b", LEASE);
        open("client", "a", 60);
        var first = a.self();
        var mayRead = new AtomicBoolean(true);
        a.membership.onDeath(() -> mayRead.set(a.lease.lasts()));
        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));
        assertThat(a.lease.lasts()).isFalse();

        a.turn();

        assertThat(mayRead).isFalse();
        assertThat(a.lease.lasts()).isTrue();
        assertThat(a.membership.isDead()).isFalse();
        assertThat(a.self().run()).isGreaterThan(first.run());
        assertThat(a.membership.isAlone()).as("before it serves anybody").isFalse();
        assertThat(a.self().mailbox()).isEqualTo(1);
    }

    @Test
    void whoeverWasFrozenAndIsNotDeadGoesOn() {
        var a = entered("a", LEASE);
        var dead = new AtomicBoolean();
        a.membership.onDeath(() -> dead.set(true));
        rig.passLease();
        assertThat(a.lease.lasts()).isFalse();
        var run = a.self().run();

        a.turn();

        assertThat(a.lease.lasts()).isTrue();
        assertThat(dead).isFalse();
        assertThat(a.self().run()).isEqualTo(run);
    }

    /** They took it for silent, and have sent its clients nothing. */
    @Test
    void whoeverWasFrozenWhileOthersCameEndsItsConnections() {
        var a = entered("a", LEASE);
        var mayRead = new AtomicBoolean(true);
        a.membership.onDeath(() -> mayRead.set(a.lease.lasts()));
        rig.passLease();
        assertThat(a.lease.lasts()).isFalse();
        var run = a.self().run();
        var period = a.membership.period();
        entered("b", LEASE);

        a.turn();

        assertThat(mayRead).isFalse();
        assertThat(a.self().run()).isEqualTo(run);
        assertThat(a.membership.period()).isNotEqualTo(period);
        assertThat(a.membership.isAlone()).isFalse();
        assertThat(a.lease.lasts()).isTrue();
    }

    @Test
    void anOutageOfPostgresEndsNoConnection() {
        var a = rig.apart("a");
        var dead = new AtomicBoolean();
        a.membership.onDeath(() -> dead.set(true));
        a.turn();
        rig.crossing.swallow();
        rig.passLease();
        assertThat(a.lease.lasts()).isFalse();

        var watch = Stopwatch.start();
        a.membership.turn();

        watch.assertLessThan(SHORT);
        assertThat(a.lease.lasts()).isTrue();
        assertThat(dead).isFalse();
        assertThat(a.sweeps.isOurs()).isFalse();
        rig.crossing.lead(SERVER.port());
        await().untilAsserted(() -> {
            a.membership.turn();
            assertThat(SERVER.value("SELECT lease_until > moved.now() FROM node"))
                    .isEqualTo("t");
        });
    }

    private static void drain(String id, boolean drains) {
        SERVER.execute("UPDATE node SET draining = %s WHERE id = '%s'".formatted(drains, id));
    }

    @Test
    void anOperatorTellsItToDrainAndTakesThatBack() {
        var a = entered("a", LEASE);
        var told = new ArrayList<Boolean>();
        a.membership.drain().onChange(told::add);
        a.turn();
        assertThat(told).isEmpty();

        drain("a", true);
        for (int i = 0; i < 2; i++) a.turn();
        assertThat(told).containsExactly(true);

        drain("a", false);
        for (int i = 0; i < 2; i++) a.turn();
        assertThat(told).containsExactly(true, false);
    }

    @Test
    void whoeverIsToldToDrainDrainsOnAsAnotherRun() {
        var a = entered("a", LEASE);
        var b = entered("b", LEASE);
        var told = new ArrayList<Boolean>();
        a.membership.drain().onChange(told::add);
        drain("a", true);
        a.turn();
        b.turnUntil(() -> SERVER.value("SELECT count(*) FROM node").equals("1"));

        for (int i = 0; i < 3; i++) a.turn();

        assertThat(told).containsExactly(true);
        assertThat(SERVER.value("SELECT draining FROM node WHERE id = 'a'")).isEqualTo("t");
        drain("a", false);
        a.turn();
        assertThat(told).containsExactly(true, false);
    }

    @Test
    void theClientsOfOthersAreKnownThatTakeMore() {
        var a = entered("a", LEASE);
        var connections = 0;
        for (var name : List.of("b", "c", "d")) {
            var of = connections += 100;
            var member = entered(name, LEASE);
            member.membership.report(() -> new Report(of, !name.equals("c"), false));
            member.turn();
        }
        a.turn();
        assertThat(a.membership.connectionsOfOthers()).containsExactlyInAnyOrder(100, 300);
        drain("d", true);
        a.turn();
        assertThat(a.membership.connectionsOfOthers()).containsExactly(100);
    }

    @Test
    void namesThatNobodyBearsAreFound() throws Exception {
        var a = entered("a", LEASE);
        open("ours", "a", 60);
        open("old", "of-old", 60);
        open("living", "without-row", 60);
        SERVER.execute("INSERT INTO lane VALUES (77, 'without-row', 0, now() + interval '1 h')");

        a.turnUntil(
                () -> SERVER.value("SELECT string_agg(client_id, ' ' ORDER BY client_id) FROM session WHERE connected")
                        .equals("living ours"));
    }

    private static void open(String clientId, String node, long expiry) {
        SERVER.execute(
                "SELECT open_session('%s', false, 5::smallint, %d, null, '%s')".formatted(clientId, expiry, node));
    }
}
