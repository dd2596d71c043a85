package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.uplink.producer.Handover;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.junit.jupiter.api.Test;

class OutboxTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final List<Handed> handed = new ArrayList<>();
    private boolean hasRoom = true;
    private final List<Boolean> told = new ArrayList<>();
    private final Outbox outbox = new Outbox(new Gateway("a", 7, 1), 9, 0, this::hand, new RelayMeters(registry));

    private record Handed(Envelope envelope, Callback later) {
        void acknowledge() {
            later.onCompletion(null, null);
        }

        void fail(Exception failure) {
            later.onCompletion(null, failure);
        }
    }

    private Handover hand(byte[] record, Callback later) {
        if (!hasRoom) return Handover.NOT_NOW;
        handed.add(new Handed(RelayCodec.envelope(record), later));
        return Handover.TAKEN;
    }

    private long add(int bytes) {
        return outbox.add(new byte[bytes], told::add);
    }

    private List<Long> numbers() {
        return handed.stream().map(each -> each.envelope.number()).toList();
    }

    @Test
    void lettersAreNumberedAndToldWhenKafkaHasThem() {
        assertThat(List.of(add(1), add(2))).containsExactly(1L, 2L);
        assertThat(numbers()).containsExactly(1L, 2L);
        assertThat(handed.getFirst().envelope.addressee()).isEqualTo(9);
        assertThat(told).isEmpty();
        handed.getFirst().acknowledge();
        assertThat(told).containsExactly(true);
        assertThat(outbox.isEmpty()).isFalse();
        handed.getLast().acknowledge();
        assertThat(outbox.isEmpty()).isTrue();
        assertThat(registry.get("sluice.relay.in.flight").gauge().value()).isZero();
    }

    @Test
    void whatFindsNoRoomWaitsInOrder() {
        hasRoom = false;
        add(1);
        hasRoom = true;
        add(1);
        outbox.pump();
        assertThat(numbers()).containsExactly(1L, 2L);
    }

    @Test
    void whatAProducerLosesIsHandedToTheNextOneInOrderAndWithItsNumber() {
        add(1);
        add(1);
        add(1);
        var lost = List.copyOf(handed);
        handed.clear();
        lost.get(1).fail(new KafkaException("closed"));
        outbox.pump();
        assertThat(handed).as("the first and the third may still fail").isEmpty();
        lost.get(0).acknowledge();
        lost.get(2).fail(new KafkaException("closed"));
        outbox.pump();
        assertThat(numbers()).containsExactly(2L, 3L);
        handed.forEach(Handed::acknowledge);
        assertThat(told).containsExactly(true, true, true);
    }

    @Test
    void aLongLetterTakesSeveralRecords() {
        assertThat(add(600_000)).isEqualTo(3);
        assertThat(handed).extracting(each -> each.envelope.more()).containsExactly(true, true, false);
        assertThat(handed.stream()
                        .mapToInt(each -> each.envelope.content().length)
                        .sum())
                .isEqualTo(600_000);
        handed.get(0).acknowledge();
        handed.get(1).fail(new RecordTooLargeException("too large"));
        assertThat(told).isEmpty();
        handed.get(2).acknowledge();
        assertThat(told).as("a part of it is missing").containsExactly(false);
    }

    @Test
    void theProducerHasTwoMebibytesOfItAtMost() {
        for (int i = 0; i < 30; i++) add(200_000);
        assertThat(handed).hasSize(11);
        handed.getFirst().acknowledge();
        assertThat(handed).hasSize(12);
    }

    @Test
    void whoWaitsForOneThatIsGoneIsReleased() {
        add(1);
        hasRoom = false;
        add(1);
        outbox.close();
        assertThat(told).containsExactly(true, true);
        add(1);
        assertThat(told).hasSize(3);
        handed.getFirst().acknowledge();
        assertThat(told).hasSize(3);
        assertThat(registry.get("sluice.relay.in.flight").gauge().value()).isZero();
    }
}
