package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayModel.settle;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a gateway had written before it left, or died, is taken in by those who had not read it by then. */
class DepartedTest {
    private final RelayModel model = new RelayModel();
    private final RelayModel.Member a = model.join("a");
    private final RelayModel.Member b = model.join("b");

    private static Live live(String payload) {
        var message = new Message(
                TopicName.of("t"), QoS.AT_LEAST_ONCE, false, Properties.NONE, payload.getBytes(UTF_8), Message.NEVER);
        return new Live(message, "p", true, List.of());
    }

    private void send(RelayMessage.ToOne message) {
        a.outboxes.send(b.gateway, RelayCodec.letter(new Letter.Told(message)), _ -> {});
    }

    private List<String> heard() {
        return b.messages.stream()
                .map(it -> new String(it.message().payload(), UTF_8))
                .toList();
    }

    @Test
    void itsMessagesAreTakenInThoughItIsGone() {
        settle(a, b);
        send(live("1"));
        b.run();
        send(live("2"));
        send(live("3"));
        model.fleet.bury(a.gateway);
        b.readBoard(100);
        assertThat(b.correspondence.hasReadAll()).isFalse();
        b.run();
        assertThat(heard()).containsExactly("1", "2", "3");
        assertThat(b.correspondence.hasReadAll()).isTrue();
    }

    @Test
    void whatItWritesOnceThatIsKnownIsNot() {
        settle(a, b);
        send(live("1"));
        model.fleet.bury(a.gateway);
        settle(b);
        send(live("2"));
        settle(b);
        assertThat(heard()).containsExactly("1");
    }

    @Test
    void nothingComesTwice() {
        settle(a, b);
        send(live("1"));
        model.fleet.bury(a.gateway);
        b.readMailbox(1);
        b.beginsAgain();
        settle(b);
        assertThat(heard()).containsExactly("1");
    }

    @Test
    void whatPostgresqlHasIsLookedUpThere() {
        settle(a, b);
        send(new Queued(List.of(new Place("c", 1, 1))));
        model.fleet.bury(a.gateway);
        settle(b);
        assertThat(b.letters).isEmpty();
    }
}
