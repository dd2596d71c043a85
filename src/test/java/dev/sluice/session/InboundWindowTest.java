package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ReasonCode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InboundWindowTest {
    private final InboundWindow window = new InboundWindow();
    private final List<String> answers = new ArrayList<>();

    private void settle(int packetId) {
        settle(packetId, ReasonCode.SUCCESS, null);
    }

    private void settle(int packetId, ReasonCode outcome, String why) {
        window.settle(
                packetId, outcome, why, (id, result, sentence) -> answers.add(id + " " + result + " " + sentence));
    }

    @Test
    void answersInTheOrderReceived() {
        List.of(7, 3, 9).forEach(window::admit);
        settle(9);
        settle(3);
        assertThat(answers).isEmpty();
        settle(7);
        assertThat(answers).containsExactly("7 SUCCESS null", "3 SUCCESS null", "9 SUCCESS null");
        assertThat(window.size()).isZero();
    }

    @Test
    void keepsEachOutcomeWithItsSentence() {
        List.of(1, 2).forEach(window::admit);
        settle(2, ReasonCode.QUOTA_EXCEEDED, "too large");
        settle(1);
        assertThat(answers).containsExactly("1 SUCCESS null", "2 QUOTA_EXCEEDED too large");
    }

    @Test
    void knowsWhatItHolds() {
        window.admit(5);
        assertThat(window.contains(5)).isTrue();
        assertThat(window.contains(6)).isFalse();
        settle(5);
        assertThat(window.contains(5)).isFalse();
    }

    @Test
    void passesOverAnOutcomeOfNothing() {
        settle(1);
        window.admit(2);
        settle(1);
        assertThat(answers).isEmpty();
        assertThat(window.size()).isEqualTo(1);
    }

    @Test
    void aRandomOrderOfOutcomesNeverChangesTheOrderOfAnswers() {
        var random = new Random(3131);
        var expected = new ArrayDeque<Integer>();
        var pending = new ArrayList<Integer>();
        var nextId = 1;
        for (int step = 0; step < 20_000; step++) {
            if (pending.isEmpty() || random.nextInt(100) < 50 && pending.size() < 200) {
                window.admit(nextId);
                expected.add(nextId);
                pending.add(nextId);
                nextId = nextId % 65535 + 1;
            } else {
                Collections.swap(pending, random.nextInt(pending.size()), pending.size() - 1);
                settle(pending.removeLast());
            }
        }
        while (!pending.isEmpty()) settle(pending.removeLast());
        assertThat(answers)
                .containsExactlyElementsOf(
                        expected.stream().map(id -> id + " SUCCESS null").toList());
    }
}
