package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.RouteTables;
import dev.sluice.uplink.route.RoutesInForce;
import dev.sluice.uplink.spool.Spool;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import jakarta.enterprise.inject.Vetoed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Owns an uplink whose producer and spool only write down what they get; used by one thread. */
public final class UplinkRig {
    public final UplinkConfig config;
    public final Producer producer = new Producer();
    public final FakeSpool spool;
    public final RoutesInForce routes;
    public final Uplink uplink;

    /** @param keys of the configuration, without {@code sluice.uplink.} */
    public UplinkRig(Map<String, String> keys) {
        var all = new HashMap<String, String>();
        keys.forEach((key, value) -> all.put("sluice.uplink." + key, value));
        config = RouteTables.config(all);
        spool = new FakeSpool(config);
        routes = new RoutesInForce(config);
        uplink = new Uplink(config, routes, producer, spool, OpenTelemetry.noop(), true, new SimpleMeterRegistry());
    }

    @Vetoed // else the tests that start Quarkus find two
    public static final class Producer extends UplinkProducer {
        public final List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();
        /** Of what was sent, until it is answered. */
        public final ArrayDeque<Callback> unanswered = new ArrayDeque<>();

        public final List<String> renewals = new ArrayList<>();

        private Producer() {
            super(null, null, null, new SimpleMeterRegistry());
        }

        @Override
        public Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
            sent.add(record);
            unanswered.add(later);
            return Handover.TAKEN;
        }

        /** Kafka takes the record that waits longest. */
        public void answer() {
            unanswered.remove().onCompletion(null, null);
        }

        @Override
        public void letInAgain(String why) {
            renewals.add(why);
        }
    }

    @Vetoed // else the tests that start Quarkus find two
    public static final class FakeSpool extends Spool {
        public final List<JournalWrite.Spool> writes = new ArrayList<>();
        public boolean room = true;
        /** Of records that the producer has. */
        public int rowsMade;

        private FakeSpool(UplinkConfig config) {
            super(config, null, null, new SimpleMeterRegistry());
        }

        @Override
        public boolean isOn() {
            return true;
        }

        @Override
        public Long run() {
            rowsMade++;
            return 1L;
        }

        @Override
        public boolean hasRoom() {
            return room;
        }

        @Override
        public boolean journalHasRoom(String clientId) {
            return true;
        }

        @Override
        public boolean submit(JournalWrite.Spool write) {
            return room && writes.add(write);
        }
    }
}
