package dev.sluice.fault;

import dev.sluice.support.AckTimes;
import dev.sluice.support.Reconnects;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** The seconds of a load: what happened in each, how much was acknowledged, and who came back. Used by the test's thread. */
final class Timeline {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final long start = System.nanoTime();
    private final List<Event> events = new ArrayList<>();
    private long end;

    private record Event(long at, String what) {}

    void note(String what) {
        events.add(new Event(System.nanoTime(), what));
    }

    void end() {
        end = System.nanoTime();
    }

    long startedAt() {
        return start;
    }

    long endedAt() {
        return end;
    }

    /** Of all, on the average. */
    double acknowledgementsPerSecond(List<AckTimes> all) {
        return count(all, start, end) * 1e9 / (end - start);
    }

    /** In the second in which there were most. */
    long mostAcknowledgements(List<AckTimes> all) {
        return seconds().map(from -> count(all, from, from + SECOND)).max().orElse(0);
    }

    /** In the second in which there were most. */
    long mostReconnects(List<Reconnects> all) {
        var times = times(all);
        return seconds().map(from -> count(times, from)).max().orElse(0);
    }

    /** A line for each second. */
    String table(List<AckTimes> acknowledgements, List<Reconnects> reconnects) {
        var times = times(reconnects);
        return "second | messages/s | reconnects/s | what\n"
                + seconds()
                        .mapToObj(from -> "%6d | %,10d | %12d | %s"
                                .formatted(
                                        (from - start) / SECOND,
                                        count(acknowledgements, from, from + SECOND),
                                        count(times, from),
                                        what(from)))
                        .collect(Collectors.joining("\n"));
    }

    /** Where each whole one begins. */
    private LongStream seconds() {
        return LongStream.range(0, (end - start) / SECOND).map(second -> start + second * SECOND);
    }

    private static long count(List<AckTimes> all, long from, long to) {
        return all.stream().mapToLong(some -> some.between(from, to).length).sum();
    }

    private static long count(long[] times, long from) {
        return LongStream.of(times)
                .filter(at -> at - from >= 0 && at - from < SECOND)
                .count();
    }

    /** Of each connection but a client's first. */
    private static long[] times(List<Reconnects> all) {
        return all.stream()
                .flatMapToLong(it -> it.connectedAt().stream().skip(1).mapToLong(at -> at))
                .toArray();
    }

    private String what(long from) {
        return events.stream()
                .filter(event -> event.at() - from >= 0 && event.at() - from < SECOND)
                .map(Event::what)
                .collect(Collectors.joining(", "));
    }
}
