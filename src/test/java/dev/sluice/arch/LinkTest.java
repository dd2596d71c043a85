package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Links between the pages lead somewhere, as GitHub resolves them, and the README stays short. */
class LinkTest {
    private static final int README_LINES = 200;
    private static final Pattern LINK = Pattern.compile("\\[[^\\]]*]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("#{1,6} +(.*)");

    private static Stream<Path> pages() {
        var folders = Stream.of("docs", ".github").flatMap(folder -> Repository.files(folder, ".md").stream());
        return Stream.concat(Stream.of(Path.of("README.md"), Path.of("CHANGELOG.md")), folders)
                .filter(Files::exists);
    }

    @Test
    void everyLinkLeadsSomewhere() {
        assertThat(pages()).hasSizeGreaterThan(8).allSatisfy(page -> assertThat(
                        deadLinks(page, Repository.text(page.toString())))
                .as(page.toString())
                .isEmpty());
    }

    @Test
    void everyPageIsReachedFromTheReadme() {
        var reached = new HashSet<Path>();
        reach(Path.of("README.md"), reached);
        assertThat(reached).containsAll(Repository.files("docs", ".md"));
    }

    @Test
    void theReadmeIsShort() {
        assertThat(Repository.text("README.md").lines().count()).isLessThanOrEqualTo(README_LINES);
    }

    @Test
    void aDeadLinkIsFound() {
        var text = """
                # One & two
                ## `$SYS` again
                ## Again
                ## Again
                [a](#one--two) [b](#sys-again) [c](#again-1) [d](https://example.org/#x) [e](docs/devices.md)
                [f](#again-2) [g](docs/devises.md) [h](docs/devices.md#nowhere)
                ```
                # no heading, and [no](#link)
                ```
                [i](#no-heading-and-no)
                `[no](#link)`
                """;
        assertThat(deadLinks(Path.of("README.md"), text))
                .containsExactly("#again-2", "docs/devises.md", "docs/devices.md#nowhere", "#no-heading-and-no");
    }

    private static void reach(Path page, Set<Path> reached) {
        if (!reached.add(page) || !page.toString().endsWith(".md")) return;
        for (var link : links(Repository.text(page.toString())))
            if (!link.startsWith("#")) reach(file(page, link), reached);
    }

    /** The links of a page that name a file or a heading that does not exist. */
    private static List<String> deadLinks(Path page, String text) {
        var dead = new ArrayList<String>();
        for (var link : links(text)) {
            var target = link.startsWith("#") ? page : file(page, link);
            var anchor = link.contains("#") ? link.substring(link.indexOf('#') + 1) : "";
            if (!Files.exists(target)) dead.add(link);
            else if (!anchor.isEmpty()) {
                var read = target.equals(page) ? text : Repository.text(target.toString());
                if (!anchors(read).contains(anchor)) dead.add(link);
            }
        }
        return dead;
    }

    private static Path file(Path page, String link) {
        return page.resolveSibling(link.replaceFirst("#.*", "")).normalize();
    }

    /** The links of a page, except those to other sites. */
    private static List<String> links(String text) {
        return prose(text)
                .flatMap(line -> LINK.matcher(line.replaceAll("`[^`]*`", "")).results())
                .map(found -> found.group(1))
                .filter(link -> !link.matches("[a-z]+:.*"))
                .toList();
    }

    /** What GitHub calls the headings: lower case, blanks as hyphens, without other signs; the second of a name is name-1. */
    private static Set<String> anchors(String text) {
        var anchors = new HashSet<String>();
        var seen = new HashMap<String, Integer>();
        prose(text)
                .map(HEADING::matcher)
                .filter(heading -> heading.matches())
                .map(heading -> heading.group(1)
                        .strip()
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N}_ -]", "")
                        .replace(' ', '-'))
                .forEach(name -> {
                    var before = seen.merge(name, 1, Integer::sum) - 1;
                    anchors.add(before == 0 ? name : name + "-" + before);
                });
        return anchors;
    }

    /** The lines outside of fenced code. */
    private static Stream<String> prose(String text) {
        var lines = new ArrayList<String>();
        var fenced = false;
        for (var line : text.lines().toList()) {
            if (line.startsWith("```")) fenced = !fenced;
            else if (!fenced) lines.add(line);
        }
        return lines.stream();
    }
}
