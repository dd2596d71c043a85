package dev.sluice.uplink.record;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class Rfc3339Test {
    private static final DateTimeFormatter JAVA =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    @Test
    void agreesWithJavaTime() {
        var end = Instant.parse("9999-12-31T23:59:59.999Z").toEpochMilli();
        var days = LongStream.rangeClosed(0, 75_000).map(day -> day * 86_400_000L + day * 863);
        var random = new Random(1).longs(100_000, 0, end);
        LongStream.concat(LongStream.of(0, end), LongStream.concat(days, random))
                .forEach(millis -> assertThat(new String(Rfc3339.of(millis), StandardCharsets.US_ASCII))
                        .isEqualTo(JAVA.format(Instant.ofEpochMilli(millis))));
    }
}
