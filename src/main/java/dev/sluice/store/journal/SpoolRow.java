package dev.sluice.store.journal;

/**
 * One Kafka record in the spool. Immutable but for its place, which the journal's lane writes before it tells that the
 * {@link JournalWrite.Spool} is committed.
 */
public final class SpoolRow {
    /** What a row takes besides its data. */
    private static final int OVERHEAD = 100;

    private final int lane;
    private final Long holder;
    private final String clientId;
    private final String kafkaTopic;
    private final Integer partition;
    private final byte[] key;
    private final byte[] headers;
    private final byte[] value;
    private final long recordAt;
    private long seq;

    /**
     * @param holder the run of this gateway, if its producer has the record as well and delivers it unless the gateway is killed; else null
     * @param partition null where the key chooses
     * @param key null for none
     * @param headers in one piece, as the uplink packs them
     * @param recordAt milliseconds since 1970
     */
    public SpoolRow(
            int lane,
            Long holder,
            String clientId,
            String kafkaTopic,
            Integer partition,
            byte[] key,
            byte[] headers,
            byte[] value,
            long recordAt) {
        this.lane = lane;
        this.holder = holder;
        this.clientId = clientId;
        this.kafkaTopic = kafkaTopic;
        this.partition = partition;
        this.key = key;
        this.headers = headers;
        this.value = value;
        this.recordAt = recordAt;
    }

    public int lane() {
        return lane;
    }

    public boolean isHeld() {
        return holder != null;
    }

    Long holder() {
        return holder;
    }

    public String clientId() {
        return clientId;
    }

    public String kafkaTopic() {
        return kafkaTopic;
    }

    public Integer partition() {
        return partition;
    }

    public byte[] key() {
        return key;
    }

    public byte[] headers() {
        return headers;
    }

    public byte[] value() {
        return value;
    }

    public long recordAt() {
        return recordAt;
    }

    /** What it counts for in the bound of the spool. */
    public int bytes() {
        return OVERHEAD + (key == null ? 0 : key.length) + headers.length + value.length;
    }

    /** Once it is committed: its place in the lane. */
    public long seq() {
        return seq;
    }

    public SpoolRow at(long seq) {
        this.seq = seq;
        return this;
    }
}
