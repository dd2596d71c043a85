package dev.sluice.tools;

import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;
import org.apache.kafka.common.TopicPartition;

/** What Kafka holds of one client, in counters and in the last of its records; for one thread. */
final class AuditedClient {
    private static final int MOST_NOTES = 3;

    /**
     * Where a record belongs, as far as it says: the Kafka topic that it was meant for and the route.
     *
     * @param route empty where the records do not name it
     */
    record Source(String kafkaTopic, String route) {
        @Override
        public String toString() {
            return route.isEmpty() ? kafkaTopic : "route " + route;
        }
    }

    /** One record, as far as it is of interest. */
    record Entry(TopicPartition partition, Source source, long epoch, long number, String messageId, long content) {
        /** Equal for a message and its repeats; at QoS 0, for the same content. */
        long message() {
            var own = messageId.isEmpty() ? content : hash(messageId);
            return Hashing.xxh3_64().hashLongLongToLong(own, source.hashCode());
        }

        private static long hash(String text) {
            return Hashing.xxh3_64().hashBytesToLong(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** What counts from 1, if the source has one route. */
    private record Course(long epoch, Source source) {}

    private record Lane(TopicPartition partition, Source source) {}

    /** Where one partition stands. */
    private static final class Progress {
        final long firstEpoch;
        final long firstNumber;
        long epoch;
        long number;
        long disorder;
        /** Epochs that began behind a later one. */
        final Set<Long> lateEpochs = new HashSet<>(1);

        Progress(long epoch, long number) {
            firstEpoch = epoch;
            firstNumber = number;
        }

        boolean isBehind(long nextEpoch, long nextNumber) {
            return nextEpoch < epoch || nextEpoch == epoch && nextNumber < number;
        }
    }

    private final RecentRecords recent = new RecentRecords();
    private final Map<Course, Numbers> courses = new HashMap<>(4);
    private final Map<Lane, Progress> lanes = new HashMap<>(4);
    /** How many records of a source carry a number that another message has, too. */
    private final Map<Source, Long> mixed = new HashMap<>(1);

    private long records;
    private long repeats;

    void add(Entry entry) {
        records++;
        var message = entry.message();
        var isNew = courses.computeIfAbsent(new Course(entry.epoch, entry.source), _ -> new Numbers())
                .add(entry.number);
        var isRepeat = !entry.messageId.isEmpty() && recent.hasFromAnotherEpoch(message, entry.epoch);
        if (!isNew && !isRepeat) {
            isRepeat = !mixed.containsKey(entry.source) && recent.has(message, entry.epoch, entry.number);
            if (!isRepeat) {
                mixed.merge(entry.source, 1L, Long::sum);
            }
        }
        if (isRepeat) {
            repeats++;
        }
        recent.add(message, entry.epoch, entry.number);
        progress(entry, isNew, isRepeat);
    }

    private void progress(Entry entry, boolean isNew, boolean isRepeat) {
        var progress = lanes.computeIfAbsent(
                new Lane(entry.partition, entry.source), _ -> new Progress(entry.epoch, entry.number));
        if (!progress.isBehind(entry.epoch, entry.number)) {
            progress.epoch = entry.epoch;
            progress.number = entry.number;
            return;
        }
        // A gateway that was frozen or cut off may bring a record that its client has sent again elsewhere meanwhile.
        var counts = !isRepeat || isNew && entry.epoch == progress.epoch;
        if (counts && entry.number == 1) {
            progress.lateEpochs.add(entry.epoch);
        } else if (counts) {
            progress.disorder++;
        }
    }

    /** @param truncated partitions that have lost their beginning */
    RecordAudit.Findings findings(Set<TopicPartition> truncated) {
        var epochs = new HashMap<Long, Map<Source, Numbers>>();
        courses.forEach((course, numbers) ->
                epochs.computeIfAbsent(course.epoch, _ -> new HashMap<>()).put(course.source, numbers));
        var groups = groups(epochs.values());
        var gaps = 0L;
        var notes = new ArrayList<String>();
        for (var epoch : epochs.keySet().stream().sorted().toList()) {
            for (var group : groups) {
                var lost = gaps(epochs.get(epoch), group, from(epoch, group, truncated));
                gaps += lost.stream().mapToLong(Numbers.Gap::size).sum();
                lost.forEach(gap -> notes.add("missing: " + epoch + "/" + gap + " of " + join(group)));
            }
        }
        if (notes.size() > MOST_NOTES) {
            notes.subList(MOST_NOTES, notes.size()).clear();
            notes.add("missing: more");
        }
        mixed.keySet().stream()
                .map(source -> "mixed routes in " + source + ": add headers.mqtt-route={route} to the routes")
                .sorted()
                .forEach(notes::add);
        var mixedRecords = mixed.values().stream().mapToLong(Long::longValue).sum();
        return new RecordAudit.Findings(records, epochs.size(), gaps, repeats, disorder(), mixedRecords, notes);
    }

    private static String join(Set<Source> group) {
        return String.join(
                ", ", group.stream().map(Source::toString).distinct().sorted().toList());
    }

    /** Where several routes write, a lower number may be that of another route. */
    private long disorder() {
        return lanes.entrySet().stream()
                .filter(lane -> !mixed.containsKey(lane.getKey().source))
                .mapToLong(lane -> lane.getValue().disorder
                        + lane.getValue().lateEpochs.stream()
                                .filter(epoch -> isOfAConnection(new Course(epoch, lane.getKey().source)))
                                .count())
                .sum();
    }

    /** A will has an epoch of its own and one record, which may come when its client is back. */
    private boolean isOfAConnection(Course course) {
        return courses.get(course).highest() > 1;
    }

    /**
     * The sources of each route: those that name it; of the others those whose numbers never meet, because one route writes a message
     * to one Kafka topic, and of those the ones whose numbers go on from each other.
     */
    private List<Set<Source>> groups(Collection<Map<Source, Numbers>> epochs) {
        var groups = new ArrayList<Set<Source>>();
        for (var source : byBeginning()) {
            groups.stream()
                    .filter(group -> group.stream().allMatch(other -> isOfOneRoute(source, other, epochs)))
                    .min(Comparator.comparingLong(group -> missing(group, source, epochs)))
                    .orElseGet(() -> {
                        var group = new HashSet<Source>();
                        groups.add(group);
                        return group;
                    })
                    .add(source);
        }
        return groups;
    }

    /** All sources, those first whose numbers begin first. */
    private List<Source> byBeginning() {
        var beginnings = new HashMap<Source, Course>();
        courses.keySet()
                .forEach(course -> beginnings.merge(
                        course.source, course, BinaryOperator.minBy(Comparator.comparingLong(Course::epoch))));
        return beginnings.values().stream()
                .sorted(Comparator.comparingLong(Course::epoch)
                        .thenComparing(course -> courses.get(course).lowest())
                        .thenComparing(course -> course.source.kafkaTopic))
                .map(Course::source)
                .toList();
    }

    private static long missing(Set<Source> group, Source more, Collection<Map<Source, Numbers>> epochs) {
        var sources = new HashSet<>(group);
        sources.add(more);
        return epochs.stream()
                .flatMap(epoch -> gaps(epoch, sources, 1).stream())
                .mapToLong(Numbers.Gap::size)
                .sum();
    }

    private static boolean isOfOneRoute(Source one, Source other, Collection<Map<Source, Numbers>> epochs) {
        if (!one.route.isEmpty() || !other.route.isEmpty()) {
            return one.route.equals(other.route);
        }
        for (var epoch : epochs) {
            if (epoch.containsKey(one)
                    && epoch.containsKey(other)
                    && epoch.get(one).intersects(epoch.get(other))) {
                return false;
            }
        }
        return true;
    }

    private static List<Numbers.Gap> gaps(Map<Source, Numbers> epoch, Set<Source> group, long from) {
        var sets = group.stream().filter(epoch::containsKey).map(epoch::get).toList();
        if (sets.isEmpty()) {
            return List.of();
        }
        if (sets.size() == 1) {
            return sets.getFirst().gaps(from);
        }
        var all = new Numbers();
        sets.forEach(all::addAll);
        return all.gaps(from);
    }

    /** The first number that is to be there: what a truncated partition held before its first record cannot be told. */
    private long from(long epoch, Set<Source> group, Set<TopicPartition> truncated) {
        return lanes.entrySet().stream()
                .filter(lane -> group.contains(lane.getKey().source)
                        && truncated.contains(lane.getKey().partition)
                        && lane.getValue().firstEpoch == epoch)
                .mapToLong(lane -> lane.getValue().firstNumber)
                .max()
                .orElse(1);
    }
}
