package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SurplusTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final Surplus surplus = new Surplus(50, MINUTE);
    private long now = -17;

    private int turn(int own, Integer... others) {
        now += SECOND;
        return surplus.turn(now, own, List.of(others));
    }

    private int turns(int seconds, int own, Integer... others) {
        var gone = 0;
        for (int i = 0; i < seconds; i++) gone += turn(own - gone, others);
        return gone;
    }

    @Test
    void afterAMinuteTheSurplusGoesAtTheRate() {
        assertThat(turns(60, 300, 300, 0)).isZero();
        assertThat(turn(300, 300, 0)).isEqualTo(50);
        assertThat(turn(250, 300, 50)).isEqualTo(50);
        assertThat(turn(200, 300, 100)).isZero();
    }

    @Test
    void aSurplusThatPassesMovesNobody() {
        assertThat(turns(59, 300, 200, 200)).isZero();
        assertThat(turn(270, 250, 250)).isZero();
        assertThat(turns(60, 300, 200, 200)).isZero();
        assertThat(turn(300, 200, 200)).isEqualTo(50);
    }

    @Test
    void itEndsWhenTheOthersHaveGone() {
        assertThat(turns(61, 400, 100)).isEqualTo(50);
        assertThat(turn(350)).isZero();
        assertThat(turns(200, 350)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"500, 500", "119, 100", "12, 0", "10, 2", "0, 0", "0, 1000"})
    void littleIsLeftAlone(int own, int other) {
        assertThat(turns(1000, own, other)).isZero();
    }

    @Test
    void whoIsAloneLetsNobodyGo() {
        assertThat(turns(1000, 10_000)).isZero();
    }

    /** The balancer brings a client back to where it was: by its address, for one. */
    @Test
    void whoComesBackIsMovedLessAndLessOften() {
        var gone = 0;
        for (int i = 0; i < 24 * 3600; i++) gone += turn(200, 100);
        var rounds = gone / 50;
        assertThat(rounds).isBetween(20, 35);
    }

    /** As load balancers bring them: in turns, whoever has how many. */
    @Test
    void gatewaysThatComeGetTheirShareAndNothingSwings() {
        var gateways = List.of(
                new Surplus(50, MINUTE), new Surplus(50, MINUTE), new Surplus(50, MINUTE), new Surplus(50, MINUTE));
        var clients = new ArrayList<>(List.of(1000, 1000, 0, 0));
        var moves = 0;
        var next = 0;
        var lastMove = 0;
        for (int second = 1; second <= 3600; second++) {
            var seen = List.copyOf(clients);
            for (int i = 0; i < 4; i++) {
                var others = new ArrayList<>(seen);
                others.remove(i);
                var some = gateways.get(i).turn(second * SECOND, seen.get(i), others);
                if (some > 0) lastMove = second;
                moves += some;
                clients.set(i, clients.get(i) - some);
                for (int c = 0; c < some; c++, next++) clients.set(next % 4, clients.get(next % 4) + 1);
            }
        }
        assertThat(Collections.max(clients)).isLessThanOrEqualTo(600);
        assertThat(moves).isLessThan(2500);
        assertThat(lastMove).isLessThan(900);
    }
}
