package dev.sluice.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What an audit comes to; immutable.
 *
 * @param isWrong whether there is a gap or disorder
 * @param doubts why the records prove nothing, and what to do; empty if they do
 */
public record AuditVerdict(boolean isWrong, List<String> doubts) {
    public static AuditVerdict of(Map<String, RecordAudit.Findings> findings, AuditOptions options) {
        var doubts = new ArrayList<String>();
        var total = RecordAudit.total(findings);
        if (options.clientIds().isEmpty() && total.records() == 0)
            doubts.add("no record there has mqtt-client-id and mqtt-seq: check the names of the Kafka topics"
                    + (options.since().isPresent() ? ", and --since" : ""));
        for (var clientId : new TreeSet<>(options.clientIds()))
            if (!findings.containsKey(clientId))
                doubts.add("there is no record of client " + clientId
                        + ": check the client identifier and the Kafka topics"
                        + (options.since().isPresent() ? ", and --since" : ""));
        if (total.mixed() > 0)
            doubts.add(
                    "several routes write into one Kafka topic, and their numbers cannot be told apart: give each of them"
                            + " headers.mqtt-route={route}, and audit what is published from then on (--since)");
        return new AuditVerdict(total.isWrong(), List.copyOf(doubts));
    }

    public boolean isClean() {
        return !isWrong && doubts.isEmpty();
    }

    @Override
    public String toString() {
        return isWrong ? "NOT CLEAN" : isClean() ? "clean" : "NOT PROVEN";
    }
}
