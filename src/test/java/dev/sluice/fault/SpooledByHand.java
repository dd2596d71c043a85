package dev.sluice.fault;

/** A record of zeros in the spool, as if another gateway had spooled it some time ago; null and 0 for no partition and no key. */
record SpooledByHand(int lane, String kafkaTopic, Integer partition, int keyBytes, int valueBytes) {
    void insert(Deployment servers) {
        servers.execute(
                "INSERT INTO spool (lane, seq, client_id, kafka_topic, kafka_partition, key, headers, value, record_at, bytes,"
                        + " spooled_at) VALUES (%d, nextval('spool_seq'), 'c', '%s', %s, %s, '', %s, 1, %d, now() - interval '1 minute')"
                                .formatted(
                                        lane,
                                        kafkaTopic,
                                        partition,
                                        keyBytes == 0 ? null : zeros(keyBytes),
                                        zeros(valueBytes),
                                        keyBytes + valueBytes));
    }

    private static String zeros(int bytes) {
        return "decode(repeat('00', " + bytes + "), 'hex')";
    }
}
