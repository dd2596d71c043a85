package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.spool.SpoolStore;
import dev.sluice.uplink.spool.SpoolStripe.State;
import org.junit.jupiter.api.Test;

class SpoolStripeTest {
    private final SpoolStripe stripe = new SpoolStripe(0);

    @Test
    void takesRecordsOnlyWhileSpooling() {
        assertThat(stripe.enter()).as("direct").isFalse();
        stripe.spool();
        assertThat(stripe.enter()).isTrue();
        stripe.close();
        assertThat(stripe.enter()).as("closing").isFalse();
    }

    @Test
    void isSettledOnceAllItTookIsCommitted() {
        stripe.spool();
        stripe.enter();
        stripe.enter();
        stripe.close();
        stripe.enter();
        stripe.leave();
        assertThat(stripe.isSettled()).isFalse();
        stripe.leave();
        assertThat(stripe.isSettled()).isTrue();
        assertThat(stripe.open()).isTrue();
        assertThat(stripe.isDirect()).isTrue();
        assertThat(stripe.isSettled()).isFalse();
    }

    @Test
    void anOutageThatBeginsWhileItClosesKeepsItSpooling() {
        stripe.spool();
        stripe.close();
        stripe.beginOutage();
        assertThat(stripe.open()).isFalse();
        assertThat(stripe.state()).isEqualTo(State.SPOOLING);
    }

    /** A drain that was under way when the outage began finds the lane empty. */
    @Test
    void doesNotCloseInAnOutage() {
        stripe.beginOutage();
        stripe.close();
        assertThat(stripe.state()).isEqualTo(State.SPOOLING);
        assertThat(stripe.open()).isFalse();
        stripe.endOutage();
        stripe.close();
        assertThat(stripe.open()).isTrue();
    }

    private static SpoolStore.StripeState seen(boolean ours, boolean heldElsewhere) {
        return new SpoolStore.StripeState(0, ours, 5, 5, heldElsewhere);
    }

    /** Clients would wait for nothing. */
    @Test
    void doesNotCloseWhileAnotherGatewayHoldsItsFirstRow() {
        stripe.spool();
        stripe.seen(seen(true, true));
        stripe.close();
        assertThat(stripe.state()).isEqualTo(State.SPOOLING);
        stripe.seen(seen(true, false));
        stripe.close();
        assertThat(stripe.open()).isTrue();
    }

    @Test
    void isLetGoBetweenTwoStepsOfTheDrain() {
        assertThat(stripe.beginDrain()).as("never seen").isFalse();
        assertThat(stripe.letGo()).isTrue();
        stripe.seen(seen(true, false));
        assertThat(stripe.beginDrain()).isTrue();
        assertThat(stripe.letGo()).as("in a step").isFalse();
        stripe.endDrain();
        assertThat(stripe.letGo()).isTrue();
        assertThat(stripe.beginDrain()).as("let go").isFalse();
        stripe.seen(seen(true, false));
        assertThat(stripe.beginDrain()).isTrue();
    }

    @Test
    void closesOnlyFromSpooling() {
        stripe.close();
        assertThat(stripe.isDirect()).isTrue();
        assertThat(stripe.open()).isFalse();
    }
}
