package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LetterOrderTest {
    private final LetterOrder order = new LetterOrder();
    private final List<Publication> sent = new ArrayList<>();

    private static Publication message(String topic, QoS qos, int bytes) {
        var message = new Message(TopicName.of(topic), qos, false, Properties.NONE, new byte[bytes], Message.NEVER);
        return Publication.of(message, List.of());
    }

    private static Publication message(QoS qos) {
        return message("t", qos, 0);
    }

    private Publication reserved(QoS qos) {
        var retained = message(qos);
        order.reserve(retained);
        return retained;
    }

    private Publication waiting(QoS qos) {
        var waiting = message(qos);
        assertThat(order.isFree(waiting)).isFalse();
        assertThat(order.add(waiting, () -> sent.add(waiting))).isTrue();
        return waiting;
    }

    private void due(Publication retained) {
        order.due(retained, () -> sent.add(retained));
    }

    @Test
    void messagesOfOneTopicAndQoSWaitForARetainedOne() {
        for (var qos : QoS.values()) {
            sent.clear();
            var first = reserved(qos);
            var second = waiting(qos);
            var third = reserved(qos);
            var fourth = waiting(qos);
            due(third);
            assertThat(sent).isEmpty();
            due(first);
            assertThat(sent).containsExactly(first, second, third, fourth);
            assertThat(order.isFree(first)).isTrue();
        }
    }

    @Test
    void otherTopicsAndQoSDoNotWait() {
        reserved(QoS.AT_LEAST_ONCE);
        assertThat(order.isFree(message("other", QoS.AT_LEAST_ONCE, 0))).isTrue();
        assertThat(order.isFree(message(QoS.AT_MOST_ONCE))).isTrue();
    }

    @Test
    void nothingWaitsForOneThatIsGivenUp() {
        var first = reserved(QoS.AT_LEAST_ONCE);
        var second = waiting(QoS.AT_LEAST_ONCE);
        var third = reserved(QoS.AT_LEAST_ONCE);
        var fourth = waiting(QoS.AT_LEAST_ONCE);
        order.giveUp(first);
        order.giveUp(message(QoS.EXACTLY_ONCE));
        assertThat(sent).containsExactly(second);
        order.giveUpAll();
        assertThat(sent).containsExactly(second, fourth);
        due(third);
        assertThat(sent).as("it was committed after all").containsExactly(second, fourth, third);
        assertThat(order.isFree(first)).isTrue();
    }

    @Test
    void whatComesWhileOthersAreSentKeepsItsPlace() {
        var first = reserved(QoS.AT_LEAST_ONCE);
        var second = new ArrayList<Publication>();
        var last = waiting(QoS.AT_LEAST_ONCE);
        order.due(first, () -> {
            sent.add(first);
            second.add(waiting(QoS.AT_LEAST_ONCE));
        });
        assertThat(sent).containsExactly(first, last, second.getFirst());
    }

    /** While PostgreSQL is away, nothing else bounds them. */
    @Test
    void ofQoS0OnlySomeWait() {
        for (int round = 0; round < 2; round++) {
            sent.clear();
            for (var qos : List.of(QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE)) {
                var retained = reserved(qos);
                var accepted = 0;
                for (int i = 0; i < 1000; i++) {
                    var next = message("t", qos, 1000);
                    if (order.add(next, () -> sent.add(next))) accepted++;
                }
                if (qos == QoS.AT_MOST_ONCE) assertThat(accepted).isBetween(200, 300);
                else assertThat(accepted).isEqualTo(1000);
                due(retained);
                assertThat(sent).hasSize(1 + accepted).startsWith(retained);
                sent.clear();
            }
        }
    }
}
