package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.spool.SpoolStore;
import dev.sluice.uplink.spool.SpoolStripe.State;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SpoolStripeTest {
    private static final String TOPIC = "t";
    private static final String STUCK = "stuck";

    private final SpoolStripe stripe = new SpoolStripe(0);

    @Test
    void takesRecordsOnlyWhileSpooling() {
        assertThat(stripe.enter(TOPIC)).as("direct").isNull();
        stripe.spool();
        assertThat(stripe.enter(TOPIC)).isNotNull();
        stripe.close(Set.of());
        assertThat(stripe.enter(TOPIC)).as("closing").isNull();
    }

    @Test
    void isSettledOnceAllItTookIsCommitted() {
        stripe.spool();
        var one = stripe.enter(TOPIC);
        var another = stripe.enter(TOPIC);
        stripe.close(Set.of());
        stripe.enter(TOPIC);
        one.decrementAndGet();
        assertThat(stripe.isSettled()).isFalse();
        another.decrementAndGet();
        assertThat(stripe.isSettled()).isTrue();
        assertThat(stripe.open()).isTrue();
        assertThat(stripe.isDirect()).isTrue();
        assertThat(stripe.isSettled()).isFalse();
    }

    /** Whose partitions have no leader, as a rule. */
    @Test
    void opensWithoutTheKafkaTopicsThatTakeNothing() {
        stripe.spool();
        var before = stripe.enter(TOPIC);
        stripe.close(Set.of(STUCK));
        assertThat(stripe.state(TOPIC)).isEqualTo(State.CLOSING);
        assertThat(stripe.enter(STUCK)).as("as nobody waits for it").isNotNull();
        assertThat(stripe.isSettled()).isFalse();
        before.decrementAndGet();
        assertThat(stripe.isSettled()).isTrue();
        assertThat(stripe.open()).isTrue();
        assertThat(stripe.isDirect()).isFalse();
        assertThat(stripe.state(TOPIC)).isEqualTo(State.DIRECT);
        assertThat(stripe.enter(TOPIC)).isNull();
        assertThat(stripe.state(STUCK)).isEqualTo(State.SPOOLING);

        stripe.close(Set.of());
        assertThat(stripe.state(TOPIC)).as("as before").isEqualTo(State.DIRECT);
        assertThat(stripe.state(STUCK)).isEqualTo(State.CLOSING);
        assertThat(stripe.isSettled()).as("with one from when it stayed").isFalse();
    }

    @Test
    void goesOnAsBeforeIfItDoesNotRunEmpty() {
        stripe.spool();
        stripe.close(Set.of(STUCK));
        stripe.open();
        stripe.close(Set.of());
        stripe.reopen();
        assertThat(stripe.state(STUCK)).isEqualTo(State.SPOOLING);
        assertThat(stripe.state(TOPIC)).isEqualTo(State.DIRECT);
        assertThat(stripe.open()).isFalse();
    }

    /** Its producer has given up a record of it, whatever the stripe is about to do. */
    @Test
    void oneKafkaTopicSpoolsAgain() {
        stripe.spool(STUCK);
        assertThat(stripe.state(STUCK)).isEqualTo(State.SPOOLING);
        assertThat(stripe.state(TOPIC)).isEqualTo(State.DIRECT);
        stripe.spool();
        stripe.close(Set.of());
        stripe.spool(STUCK);
        assertThat(stripe.state(TOPIC)).isEqualTo(State.CLOSING);
        stripe.open();
        assertThat(stripe.state(STUCK)).isEqualTo(State.SPOOLING);
        assertThat(stripe.state(TOPIC)).isEqualTo(State.DIRECT);
    }

    @Test
    void anOutageThatBeginsWhileItClosesKeepsItSpooling() {
        stripe.spool();
        stripe.close(Set.of());
        stripe.beginOutage();
        assertThat(stripe.open()).isFalse();
        assertThat(stripe.state(TOPIC)).isEqualTo(State.SPOOLING);
    }

    /** A drain that was under way when the outage began finds the lane empty. */
    @Test
    void doesNotCloseInAnOutage() {
        stripe.beginOutage();
        stripe.close(Set.of());
        assertThat(stripe.state(TOPIC)).isEqualTo(State.SPOOLING);
        assertThat(stripe.open()).isFalse();
        stripe.endOutage();
        stripe.close(Set.of());
        assertThat(stripe.open()).isTrue();
    }

    private void seen(SpoolStore.StripeState state) {
        stripe.seen(state, System.nanoTime());
    }

    private static SpoolStore.StripeState state(boolean ours, boolean heldElsewhere) {
        return new SpoolStore.StripeState(0, ours, 5, 5, heldElsewhere);
    }

    /** Whoever has nothing of its own in the stripe must not wait for that gateway's Kafka. */
    @Test
    void mayCloseWhileAnotherGatewayHoldsItsFirstRow() {
        stripe.spool();
        seen(state(false, true));
        assertThat(stripe.isNearlyDrained()).isTrue();
        stripe.close(Set.of());
        assertThat(stripe.isHeldElsewhere()).isTrue();
        assertThat(stripe.open()).isTrue();
    }

    @Test
    void isDrainedForOthersWhileItsOwnRecordsGoToKafka() {
        assertThat(stripe.hasWork()).isFalse();
        seen(state(true, false));
        assertThat(stripe.hasWork()).isTrue();
        assertThat(stripe.isDirect()).isTrue();
        seen(new SpoolStore.StripeState(0, true, 5, SpoolStore.NONE, false));
        assertThat(stripe.hasWork()).isFalse();
    }

    /** The gateway was frozen, or PostgreSQL away: another one may be at it. */
    @Test
    void isNotDrainedOnceItsLeaseHasEnded() {
        stripe.seen(state(true, false), System.nanoTime());
        assertThat(stripe.isOurs()).isTrue();
        stripe.seen(state(true, false), System.nanoTime() - SpoolStore.LIFE.toNanos());
        assertThat(stripe.isOurs()).isFalse();
        assertThat(stripe.beginDrain()).isFalse();
    }

    @Test
    void isLetGoBetweenTwoStepsOfTheDrain() {
        assertThat(stripe.beginDrain()).as("never seen").isFalse();
        assertThat(stripe.letGo()).isTrue();
        seen(state(true, false));
        assertThat(stripe.beginDrain()).isTrue();
        assertThat(stripe.letGo()).as("in a step").isFalse();
        stripe.endDrain();
        assertThat(stripe.letGo()).isTrue();
        assertThat(stripe.beginDrain()).as("let go").isFalse();
        seen(state(true, false));
        assertThat(stripe.beginDrain()).isTrue();
    }

    @Test
    void closesOnlyFromSpooling() {
        stripe.close(Set.of());
        assertThat(stripe.isDirect()).isTrue();
        assertThat(stripe.open()).isFalse();
    }
}
