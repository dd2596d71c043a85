package dev.sluice.uplink.record;

/** Writes moments as RFC 3339 has them, without the objects that java.time makes for each. Stateless. */
final class Rfc3339 {
    private static final int DAY_MILLIS = 86_400_000;

    private Rfc3339() {}

    /**
     * {@code 2026-01-31T23:59:59.999Z} in ASCII.
     *
     * @param millis since 1970, not before, and before the year 10000
     */
    static byte[] of(long millis) {
        var text = new byte[24];
        date(millis / DAY_MILLIS, text);
        var rest = (int) (millis % DAY_MILLIS);
        text[10] = 'T';
        number(rest / 3_600_000, text, 11, 2);
        text[13] = ':';
        number(rest / 60_000 % 60, text, 14, 2);
        text[16] = ':';
        number(rest / 1000 % 60, text, 17, 2);
        text[19] = '.';
        number(rest % 1000, text, 20, 3);
        text[23] = 'Z';
        return text;
    }

    /** Years are counted from March, so that a leap day is the last of its year; 400 of them repeat. */
    private static void date(long days, byte[] text) {
        var shifted = days + 719_468; // since 0000-03-01
        var era = shifted / 146_097;
        var dayOfEra = (int) (shifted % 146_097);
        var yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var monthFromMarch = (5 * dayOfYear + 2) / 153;
        var month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        number((int) (yearOfEra + era * 400) + (month <= 2 ? 1 : 0), text, 0, 4);
        text[4] = '-';
        number(month, text, 5, 2);
        text[7] = '-';
        number(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, text, 8, 2);
    }

    private static void number(int number, byte[] text, int from, int digits) {
        var rest = number;
        for (int i = from + digits - 1; i >= from; i--) {
            text[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }
}
