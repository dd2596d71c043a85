package dev.sluice.uplink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.uplink.KafkaHealth.State;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KafkaHealthTest {
    private static final State ANSWERS = new State(true, Set.of(), null);
    private static final State SILENT = new State(false, Set.of(), null);
    private static final State REFUSES = new State(false, Set.of(), "invalid credentials");

    private final UplinkRig rig = new UplinkRig(Map.of());
    private final KafkaHealth health = new KafkaHealth(rig.routes, rig.producer, rig.spool, Map.of());

    @Test
    void theProducerIsRenewedOnceAfterARefusal() {
        health.tell(REFUSES);
        health.tell(REFUSES);
        assertThat(rig.producer.renewals).isEmpty();
        health.tell(ANSWERS);
        assertThat(rig.producer.renewals).containsExactly("invalid credentials");
        health.tell(ANSWERS);
        health.tell(SILENT);
        health.tell(ANSWERS);
        assertThat(rig.producer.renewals).hasSize(1);
    }

    /** The producer that was refused says nothing for ever, however long Kafka is away before its user is put right. */
    @Test
    void aRefusalIsNotForgottenWhileKafkaIsAway() {
        health.tell(REFUSES);
        health.tell(SILENT);
        assertThat(health.state().refusal()).isNull();
        health.tell(ANSWERS);
        assertThat(rig.producer.renewals).containsExactly("invalid credentials");
    }

    /** Else what was seen last would be believed for as long as the fault lasts. */
    @Test
    void aProbeThatMeetsAFaultIsNoAnswer() throws InterruptedException {
        var broken = new KafkaHealth(null, rig.producer, rig.spool, Map.of("bootstrap.servers", "127.0.0.1:1"));
        broken.tell(ANSWERS);
        broken.turn();
        assertThat(broken.isAvailable()).isFalse();
        assertThat(broken.isSilent()).isTrue();
    }
}
