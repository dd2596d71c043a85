package dev.sluice.ops;

import io.quarkus.logging.LoggingFilter;
import java.util.logging.Filter;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.ExtLogRecord.FormatStyle;
import org.jboss.logmanager.formatters.PatternFormatter;

/**
 * Keeps the message of each record of the log on one line: client identifiers, topics and sentences come from clients, which could forge
 * whole lines with a line feed. The handlers of the log name it; any thread may use it.
 */
@LoggingFilter(name = "one-line")
public final class OneLine implements Filter {
    private static final Formatter MESSAGE = new PatternFormatter("%s");

    @Override
    public boolean isLoggable(LogRecord record) {
        if (!(record instanceof ExtLogRecord line)) return true;
        var message = MESSAGE.formatMessage(line);
        if (message == null || message.chars().noneMatch(OneLine::isControl)) return true;
        line.setMessage(escaped(message), FormatStyle.NO_FORMAT);
        line.setParameters(null);
        return true;
    }

    /** Those that end a line somewhere, and those that terminals obey. */
    private static boolean isControl(int character) {
        return Character.isISOControl(character) && character != '\t' || character == 0x2028 || character == 0x2029;
    }

    private static String escaped(String message) {
        var escaped = new StringBuilder(message.length() + 16);
        message.chars().forEach(character -> {
            if (character == '\n') escaped.append("\\n");
            else if (character == '\r') escaped.append("\\r");
            else if (isControl(character)) escaped.append("\\u%04x".formatted(character));
            else escaped.append((char) character);
        });
        return escaped.toString();
    }
}
