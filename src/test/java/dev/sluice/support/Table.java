package dev.sluice.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Test cases as data on the class path: a case a line, cells between bars, comments behind two semicolons. In a cell
 * {@code <300*ab>} is 300 times "ab", and {@code <U+0020>} one character.
 */
public final class Table {
    private static final Pattern REPEATED = Pattern.compile("<(\\d+)\\*([^>]*)>");
    private static final Pattern CHARACTER = Pattern.compile("<U\\+([0-9A-F]{4,6})>");

    private Table() {}

    public static Stream<String> lines(String resource) {
        try (var in = Table.class.getResourceAsStream(resource)) {
            if (in == null) throw new IllegalArgumentException("no table " + resource);
            var text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith(";;"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static List<String> cells(String line) {
        return Arrays.stream(line.split("\\|", -1))
                .map(cell -> expand(cell.strip()))
                .toList();
    }

    private static String expand(String cell) {
        var characters = CHARACTER
                .matcher(cell)
                .replaceAll(it -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(it.group(1), 16))));
        return REPEATED.matcher(characters)
                .replaceAll(it -> Matcher.quoteReplacement(it.group(2).repeat(Integer.parseInt(it.group(1)))));
    }
}
