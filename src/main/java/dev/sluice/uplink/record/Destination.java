package dev.sluice.uplink.record;

import dev.sluice.uplink.contract.CheckOverrun;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.route.Failure;
import java.util.List;

/**
 * The records that a client's Topic Name leads to. Immutable.
 *
 * @param refusal why every message is refused; null where there are targets, or nothing to do
 * @param mayFail whether a message may have to do without a record that a target asks for
 * @param isNeverShed whether messages of QoS 0 wait like others while Kafka is behind
 */
public record Destination(List<Target> targets, Failure refusal, boolean mayFail, boolean isNeverShed) {
    public static Destination of(List<Target> targets) {
        return new Destination(
                targets,
                null,
                targets.stream()
                        .anyMatch(
                                it -> it.match().failure() != null || it.route().looksAtPayloads()),
                targets.stream().anyMatch(it -> it.route().spec().qosFloor() > 0));
    }

    public static Destination refused(Failure failure) {
        return new Destination(List.of(), failure, false, false);
    }

    /**
     * Why a message with this payload cannot have its records, one entry for each target; null if it can.
     *
     * @throws CheckOverrun if that cannot be said with this effort
     */
    public Failure[] failures(byte[] payload, Effort effort) {
        Failure[] failures = null;
        for (int i = 0; i < targets.size(); i++) {
            var failure = targets.get(i).match().failure(payload, effort);
            if (failure == null) continue;
            if (failures == null) failures = new Failure[targets.size()];
            failures[i] = failure;
        }
        return failures;
    }

    /** Of these failures, the one that refuses the message for all; null if none does. */
    public Failure refusal(Failure[] failures) {
        if (failures == null) return null;
        for (int i = 0; i < failures.length; i++)
            if (failures[i] != null && !targets.get(i).route().hasDeadLetters()) return failures[i];
        return null;
    }
}
