package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.spool.SpoolStore;
import dev.sluice.uplink.spool.SpoolLane.State;
import org.junit.jupiter.api.Test;

class SpoolLaneTest {
    private final SpoolLane lane = new SpoolLane(0);

    @Test
    void takesRecordsOnlyWhileSpooling() {
        assertThat(lane.enter()).as("direct").isFalse();
        lane.spool();
        assertThat(lane.enter()).isTrue();
        lane.close();
        assertThat(lane.enter()).as("closing").isFalse();
    }

    @Test
    void isSettledOnceAllItTookIsCommitted() {
        lane.spool();
        lane.enter();
        lane.enter();
        lane.close();
        lane.enter();
        lane.leave();
        assertThat(lane.isSettled()).isFalse();
        lane.leave();
        assertThat(lane.isSettled()).isTrue();
        assertThat(lane.open()).isTrue();
        assertThat(lane.isDirect()).isTrue();
        assertThat(lane.isSettled()).isFalse();
    }

    @Test
    void anOutageThatBeginsWhileItClosesKeepsItSpooling() {
        lane.spool();
        lane.close();
        lane.beginOutage();
        assertThat(lane.open()).isFalse();
        assertThat(lane.state()).isEqualTo(State.SPOOLING);
    }

    /** A drain that was under way when the outage began finds the lane empty. */
    @Test
    void doesNotCloseInAnOutage() {
        lane.beginOutage();
        lane.close();
        assertThat(lane.state()).isEqualTo(State.SPOOLING);
        assertThat(lane.open()).isFalse();
        lane.endOutage();
        lane.close();
        assertThat(lane.open()).isTrue();
    }

    private static SpoolStore.Lane seen(boolean ours, boolean heldElsewhere) {
        return new SpoolStore.Lane(0, ours, 5, 5, heldElsewhere);
    }

    /** Clients would wait for nothing. */
    @Test
    void doesNotCloseWhileAnotherGatewayHoldsItsFirstRow() {
        lane.spool();
        lane.seen(seen(true, true));
        lane.close();
        assertThat(lane.state()).isEqualTo(State.SPOOLING);
        lane.seen(seen(true, false));
        lane.close();
        assertThat(lane.open()).isTrue();
    }

    @Test
    void isCededBetweenTwoStepsOfTheDrain() {
        assertThat(lane.beginDrain()).as("never seen").isFalse();
        assertThat(lane.cede()).isTrue();
        lane.seen(seen(true, false));
        assertThat(lane.beginDrain()).isTrue();
        assertThat(lane.cede()).as("in a step").isFalse();
        lane.endDrain();
        assertThat(lane.cede()).isTrue();
        assertThat(lane.beginDrain()).as("ceded").isFalse();
        lane.seen(seen(true, false));
        assertThat(lane.beginDrain()).isTrue();
    }

    @Test
    void closesOnlyFromSpooling() {
        lane.close();
        assertThat(lane.isDirect()).isTrue();
        assertThat(lane.open()).isFalse();
    }
}
