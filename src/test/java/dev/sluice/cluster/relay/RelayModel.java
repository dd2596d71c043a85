package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.ToAll;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.uplink.producer.Handover;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.producer.Callback;

/** A relay topic in memory, and gateways that read it when the test says so. Used by one thread. */
final class RelayModel {
    static final int BOARD = 0;

    final FakeFleet fleet = new FakeFleet();
    private final Map<Integer, List<byte[]>> partitions = new HashMap<>();
    /** Whether Kafka loses a record that it has acknowledged, by its partition. */
    BiPredicate<Integer, Envelope> loses = (_, _) -> false;

    Duration patience = Duration.ofSeconds(20);
    /** By how much the clock of all is ahead. */
    Duration passed = Duration.ZERO;
    /** Whether Kafka takes records and does not say so. */
    boolean isSilent;
    /** What becomes of the content of a record. */
    UnaryOperator<byte[]> rewrites = it -> it;

    private long nanoTime() {
        return System.nanoTime() + passed.toNanos();
    }

    private Handover hand(int partition, byte[] record, Callback later) {
        var it = RelayCodec.envelope(record);
        if (!loses.test(partition, it)) partition(partition).add(RelayCodec.record(rewritten(it)));
        if (!isSilent) later.onCompletion(null, null);
        return Handover.TAKEN;
    }

    private Envelope rewritten(Envelope it) {
        var content = rewrites.apply(it.content());
        return new Envelope(it.sender(), it.run(), it.number(), it.addressee(), it.continued(), it.more(), content);
    }

    List<byte[]> partition(int number) {
        return partitions.computeIfAbsent(number, _ -> new ArrayList<>());
    }

    Member register(String id) {
        return new Member(fleet.register(id));
    }

    /** One that lives and has joined. */
    Member join(String id) {
        var member = register(id);
        member.join();
        return member;
    }

    /** A gateway whose state is which filters it wants, and which the others do. */
    final class Member {
        final Gateway gateway;
        final SimpleMeterRegistry registry = new SimpleMeterRegistry();
        final Outboxes outboxes;
        final Correspondence correspondence;
        final Map<String, Reach> wants = new TreeMap<>();
        final Map<String, Map<String, Reach>> others = new TreeMap<>();
        final List<String> heard = new ArrayList<>();
        final List<Queued> letters = new ArrayList<>();
        final List<Live> messages = new ArrayList<>();
        final List<Long> deaths = new ArrayList<>();
        private final Announcements announcements;
        final Freshness freshness;
        private int boardAt;
        private int mailboxAt;

        private Member(Gateway gateway) {
            this.gateway = gateway;
            var gateways = fleet.seenBy(() -> gateway);
            var meters = new RelayMeters(registry);
            var handlers = new Handlers();
            outboxes = new Outboxes(gateway, gateways, RelayModel.this::hand, meters, 1_000_000);
            announcements = new Announcements(Duration.ofSeconds(20), RelayModel.this::nanoTime, meters);
            var catchUps = new CatchUps(Duration.ofSeconds(20), RelayModel.this::nanoTime, meters);
            catchUps.begin((mark, taken) -> outboxes.send(gateway, new Letter.Mark(mark), taken));
            freshness = new Freshness(patience, RelayModel.this::nanoTime, meters);
            correspondence = new Correspondence(
                    gateway,
                    gateways,
                    outboxes,
                    announcements,
                    catchUps,
                    freshness,
                    handlers,
                    RelayModel.this::nanoTime,
                    meters);
            handlers.on(Interest.class, this::take);
            handlers.on(Queued.class, (_, letter) -> letters.add(letter));
            handlers.on(Live.class, (_, letter) -> messages.add(letter));
            handlers.whole(this::whole);
            handlers.onForgotten(gone -> {
                others.remove(gone.id());
                heard.add("forgets " + gone.id());
            });
            handlers.onRestated(from -> heard.add(from.id() + " restated"));
            handlers.onDead(deaths::add);
            handlers.onGap(from -> heard.add("gap of " + from.id()));
        }

        private void take(Gateway from, Interest interest) {
            var of = others.computeIfAbsent(from.id(), _ -> new TreeMap<>());
            for (var wanted : interest.changes()) {
                heard.add(from.id() + " " + wanted.filter() + " " + wanted.reach());
                if (wanted.reach() == Reach.NONE) of.remove(wanted.filter());
                else of.put(wanted.filter(), wanted.reach());
            }
            if (of.isEmpty()) others.remove(from.id());
        }

        private List<ToAll> whole() {
            return wants.entrySet().stream()
                    .<ToAll>map(each -> new Interest(List.of(new Wanted(each.getKey(), each.getValue()))))
                    .toList();
        }

        void join() {
            boardAt = partition(BOARD).size();
            mailboxAt = partition(gateway.mailbox()).size();
            correspondence.join();
        }

        /** Reads from the end, as one whose place in the topic is gone. */
        void losesItsPlace() {
            boardAt = partition(BOARD).size();
            mailboxAt = partition(gateway.mailbox()).size();
            correspondence.recordsLost();
        }

        /** Reads from the beginning, as one that finds another topic, or one that was cut off. */
        void beginsAgain() {
            boardAt = 0;
            mailboxAt = 0;
            correspondence.recordsLost();
        }

        void want(String filter, Reach reach, Runnable seen) {
            if (reach == Reach.NONE) wants.remove(filter);
            else wants.put(filter, reach);
            var letter = RelayCodec.letter(new Letter.Told(new Interest(List.of(new Wanted(filter, reach)))));
            announcements.announce(then -> outboxes.announce(letter, then), seen);
        }

        void want(String filter) {
            want(filter, Reach.ALL, () -> {});
        }

        boolean readBoard(int most) {
            correspondence.look();
            var records = partition(BOARD);
            var from = boardAt;
            while (boardAt < records.size() && boardAt - from < most) correspondence.take(true, records.get(boardAt++));
            return boardAt > from;
        }

        boolean readMailbox(int most) {
            correspondence.look();
            var records = partition(gateway.mailbox());
            var from = mailboxAt;
            while (mailboxAt < records.size() && mailboxAt - from < most)
                correspondence.take(false, records.get(mailboxAt++));
            return mailboxAt > from;
        }

        /** Reads all, and does what is due. */
        boolean run() {
            var read = readBoard(Integer.MAX_VALUE) | readMailbox(Integer.MAX_VALUE);
            correspondence.turn();
            return read;
        }

        double count(String meter) {
            return registry.get(meter).counter().count();
        }
    }

    /** Until nobody has anything to read. */
    static void settle(Member... members) {
        var more = true;
        while (more) {
            more = false;
            for (var member : members) more |= member.run();
        }
    }
}
