package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The tables of the README and of docs/ say what the code says. */
class ReadmeTest {
    private static final String PAGES = Repository.documentation();
    private static final Path MAIN = Repository.path("src/main/java/dev/sluice");

    /** The rows whose first cell is code that matches, as code without its quotes to the other cells. */
    private static Map<String, List<String>> rows(String firstCell) {
        return rows(PAGES, firstCell);
    }

    private static Map<String, List<String>> rows(String page, String firstCell) {
        var rows = new TreeMap<String, List<String>>();
        var row = Pattern.compile("\\| `(" + firstCell + ")` \\|(.*)\\|");
        page.lines().map(row::matcher).filter(found -> found.matches()).forEach(found -> {
            var cells = Arrays.stream(found.group(2).split("\\|"))
                    .map(String::strip)
                    .toList();
            assertThat(rows.put(found.group(1), cells))
                    .as(found.group(1) + " twice")
                    .isNull();
        });
        return rows;
    }

    private static Map<String, String> defaults(String firstCell) {
        return rows(firstCell).entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, row -> row.getValue().getFirst().replace("`", "")));
    }

    /** Rows behind a blank line are shown as text. */
    @Test
    void everyTableHasItsHeading() {
        var lines = PAGES.lines().toList();
        for (int i = 1; i < lines.size() - 1; i++)
            if (lines.get(i).startsWith("|") && !lines.get(i - 1).startsWith("|"))
                assertThat(lines.get(i + 1)).as("below " + lines.get(i)).startsWith("|---");
    }

    @Test
    void theConfigurationTableIsTheConfiguration() {
        assertThat(defaults("sluice\\.[^`]+")).containsExactlyInAnyOrderEntriesOf(ConfigKeys.defaults());
    }

    @Test
    void everyKeySaysWhatItMeans() {
        assertThat(rows("sluice\\.[^`]+"))
                .allSatisfy((key, cells) -> assertThat(cells.getLast()).hasSizeGreaterThan(10));
    }

    @Test
    void theOtherKeysHaveTheValuesOfApplicationProperties() {
        var set = Repository.properties("src/main/resources/application.properties");
        var documented = defaults("(?:quarkus|kafka|mp)\\.[^`]+");
        assertThat(documented).hasSizeGreaterThan(5);
        documented.forEach((key, value) ->
                assertThat(set.getProperty(key, ConfigKeys.NONE)).as(key).isEqualTo(value));
    }

    @Test
    void theMetricsTableNamesEveryMeter() throws IOException {
        var documented = rows("sluice_[a-z_]+").keySet();
        var meters = sources("(?:builder|counter|timer)\\(\\s*\"(sluice\\.[a-z.]+)\"", MAIN).stream()
                .map(name -> name.replace('.', '_'))
                .collect(Collectors.toSet());
        assertThat(meters).isNotEmpty();
        // Prometheus appends the unit or `total`.
        assertThat(meters).allMatch(meter -> documented.stream().anyMatch(row -> isOf(row, meter)));
        assertThat(documented).allMatch(row -> meters.stream().anyMatch(meter -> isOf(row, meter)));
    }

    private static boolean isOf(String row, String meter) {
        return row.equals(meter) || row.matches(meter + "_(total|seconds|bytes)");
    }

    @Test
    void theTableOfRecordsNamesEveryHeader() throws IOException {
        var written = sources("\"((?:mqtt|content)-[a-z-]+)\"", MAIN.resolve("uplink")).stream()
                .map(name -> name.endsWith("-") ? name + "<name>" : name)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(rows("(?:mqtt|content)-[a-z<>-]+").keySet()).isEqualTo(written);
    }

    @Test
    void theHouseHasThePackagesAndRoomsThatExist() throws IOException {
        try (var folders = Files.walk(MAIN)) {
            var packages = folders.filter(folder -> Files.isDirectory(folder) && !folder.equals(MAIN))
                    .map(folder -> MAIN.relativize(folder).toString().replace('/', '.'))
                    .collect(Collectors.toSet());
            assertThat(rows(Repository.text("docs/architecture.md"), "[a-z]+(?:\\.[a-z]+)?")
                            .keySet())
                    .isEqualTo(packages);
        }
    }

    /** In sentences, alerts and examples, too. */
    @Test
    void everyKeyAndMetricThatIsNamedExists() {
        var keys = ConfigKeys.defaults().keySet();
        assertThat(
                        named(
                                "(?<![\\w/.:-])sluice\\.(?:mqtt|uplink|downlink|relay|store|node|admin|tls|proxy|access|limits)\\.[a-z0-9.-]*[a-z0-9]"))
                .hasSizeGreaterThan(30)
                .allMatch(name -> keys.contains(name) || keys.stream().anyMatch(key -> isBelow(name, key)));
        var metrics = rows("sluice_[a-z_]+").keySet();
        assertThat(named("(?<![\\w{])sluice_[a-z_]+[a-z](?![\\w*])"))
                .hasSizeGreaterThan(30)
                .allMatch(name -> metrics.contains(name.replaceFirst("_(count|sum|bucket)$", "")));
    }

    /** Whether a name such as sluice.uplink.routes.alarms.filter, or its beginning, is one of a key with a placeholder. */
    private static boolean isBelow(String name, String key) {
        return key.contains("<name>")
                && (key.startsWith(name + ".")
                        || name.matches(Pattern.quote(key).replace("<name>", "\\E[a-z0-9-]+\\Q")));
    }

    private static Set<String> named(String pattern) {
        return Pattern.compile(pattern)
                .matcher(PAGES)
                .results()
                .map(found -> found.group())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> sources(String pattern, Path folder) throws IOException {
        var found = new TreeSet<String>();
        for (var file : Repository.files(folder.toString(), ".java")) {
            Pattern.compile(pattern)
                    .matcher(Files.readString(file))
                    .results()
                    .forEach(match -> found.add(match.group(1)));
        }
        return found;
    }
}
