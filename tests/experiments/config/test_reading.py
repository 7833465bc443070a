import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from experiments.config import plugins
from experiments.config.reading import default_config_text, load_config, parse_config
from experiments.config.schema import json_schema
from hand_cavi import InputError

ROOT = Path(__file__).parents[3]

GOOD = """\
name = "small"
seed = 7

[[datasets]]
name = "eight"
source = "simulated"
n = 8
means = [-2.0, 2.0]

[[models]]
name = "two"
family = "normal_known_variance"
components = 2
[models.prior]
mean = 0.0
variance = 25.0

[[methods]]
name = "cavi"
starts = 5

[[methods]]
name = "few-starts"
kind = "cavi"
starts = 2

[run]
repeats = 2

[verdict]
methods = ["few-starts"]
"""


def refusal(text, **options):
    with pytest.raises(InputError) as caught:
        parse_config(text, source="study.toml", **options)
    return str(caught.value)


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_configuration_is_read_whole():
    config = parse_config(GOOD)
    assert (config.name, config.seed, config.run.repeats) == ("small", 7, 2)
    assert [(entry.name, entry.kind, entry.settings.starts) for entry in config.methods] == [
        ("cavi", "cavi", 5),
        ("few-starts", "cavi", 2),
    ]
    mixture = config.models[0].mixture
    assert (mixture.n_components, float(mixture.components.variance)) == (2, 25.0)
    assert config.datasets[0].settings.means == (-2.0, 2.0)
    assert config.verdict.methods == ("few-starts",)
    assert config.text == GOOD


def test_a_configuration_is_frozen():
    config = parse_config(GOOD)
    with pytest.raises(AttributeError):
        config.seed = 8
    for table in (config.run, config.methods[0].settings, config.datasets[0].settings):
        field = next(iter(type(table).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(table, field, 3)


def test_a_prior_may_stand_inline():
    inline = changed("[models.prior]\nmean = 0.0\nvariance = 25.0", "prior = {mean = 0.0, variance = 25.0}")
    assert parse_config(inline).models[0].mixture.components.variance == 25.0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("seed = 7", "sede = 7", 'study.toml, line 2: sede: unknown key; did you mean "seed"?'),
        ("starts = 2", "stpes = 2", 'line 25: methods[2].stpes: unknown key; did you mean "starts"?'),
        (
            "variance = 25.0",
            "varianc = 2.0",
            'models[1].prior.varianc: unknown key; did you mean "variance"?',
        ),
        ("repeats = 2", "repeat = 2", 'run.repeat: unknown key; did you mean "repeats"?'),
        ("[verdict]", "[verdikt]", 'verdikt: unknown key; did you mean "verdict"?'),
        ("n = 8", "n = 8\nnoise = 1", 'datasets[1].noise: unknown key; did you mean "noise_variance"?'),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(old, new, complaint):
    assert complaint in refusal(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('kind = "cavi"', 'kind = "cavvi"', 'unknown method "cavvi"'),
        ('source = "simulated"', 'source = "simulatd"', 'unknown dataset "simulatd"'),
        ('"normal_known_variance"', '"normal_known_varianse"', 'unknown family "normal_known_varianse"'),
        ("components = 2", 'components = 2\nweights = "fixt"', 'unknown weights "fixt"'),
        ('methods = ["few-starts"]', 'methods = ["few-start"]', 'no method "few-start" in this study'),
        ("components = 2", 'components = 2\ndatasets = ["eigth"]', 'no data set "eigth" in this study'),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_valid_one(old, new, complaint):
    said = refusal(changed(old, new))
    assert complaint in said and "did you mean" in said


@pytest.mark.parametrize("number", ["0", "-1", "2.5", "2.0", "true", '"2"', "[2.0]", "[]", "nan"])
def test_components_are_a_whole_number_above_zero(number):
    said = refusal(changed("components = 2", f"components = {number}"))
    assert "models[1].components: is " in said and "must be" in said and "\n" not in said


@pytest.mark.parametrize("field", ["variance", "noise_variance"])
@pytest.mark.parametrize("value", ["0.0", "-1.0", "nan", "inf", "true", '"1"', "[]", "[1.0, 2.0]"])
def test_a_prior_variance_is_a_number_above_zero(field, value):
    text = changed("variance = 25.0", "variance = 25.0\nnoise_variance = 1.0")
    text = re.sub(rf"^{field} = .*$", f"{field} = {value}", text, flags=re.M)
    assert "models[1].prior" in refusal(text)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "+nan"])
@pytest.mark.parametrize(
    "place", ["seed = 7", "n = 8", "mean = 0.0", "starts = 5", "repeats = 2", 'methods = ["few-starts"]']
)
def test_no_number_may_be_anything_but_finite(place, value):
    key = place.split(" ")[0]
    said = refusal(changed(place, f"{key} = {value}"))
    assert key in said and "it must be finite" in said


def test_nan_inside_a_list_is_found():
    assert "datasets[1].means[2]: is nan" in refusal(changed("[-2.0, 2.0]", "[-2.0, nan]"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("n = 8", "n = true", "datasets[1].n: is true; it must be a whole number"),
        ("n = 8", "n = 0", "datasets[1].n: is 0; it must be at least 1"),
        ("n = 8\n", "", "datasets[1].n: missing"),
        ("[-2.0, 2.0]", "[]", "means"),
        ("[-2.0, 2.0]", "[1.0, [2.0, 3.0]]", "means must be a list of numbers"),
        ("[-2.0, 2.0]", "[-2.0, 2.0]\nweights = [1.0]", "weights are 1, but components 2"),
        ("[-2.0, 2.0]", "[-2.0, 2.0]\nweights = [0.9, 0.2]", "must sum to 1"),
        ("[-2.0, 2.0]", "[-2.0, 2.0]\nnoise_variance = 0", "must be above 0"),
        ("starts = 5", "starts = 5.0", "methods[1].starts: is 5.0; it must be a whole number"),
        ("repeats = 2", "workers = 0", "run.workers: is 0; it must be at least 1"),
        ("repeats = 2", "time_limit = 0", "run.time_limit"),
        ("[verdict]", "[verdict]\nmargin = 0.0", "verdict.margin"),
        ("[verdict]", "[verdict]\nerror_rate = 1.0", "verdict.error_rate"),
        ("[verdict]", '[reference]\nmethod = "enumration"\n[verdict]', 'did you mean "enumeration"?'),
        ('name = "small"', 'name = "../small"', "a name is made of letters"),
        ('name = "small"\n', "", "name: missing"),
        ('name = "few-starts"', 'name = "cavi"', '"cavi" is taken already'),
        ("variance = 25.0\n", "", "models[1].prior.variance: missing"),
        ("repeats = 2", "repeats = 1979-05-27", "is a date or a time"),
        ("[run]\nrepeats = 2", "", "there is no such place"),
    ],
)
def test_what_cannot_be_used_is_said_where_it_stands(old, new, complaint):
    text = changed(old, new)
    if complaint == "there is no such place":  # tables of options may be left out
        assert parse_config(text).run.repeats == 1
    else:
        assert complaint in refusal(text)


@pytest.mark.parametrize("axis", ["datasets", "models", "methods"])
def test_an_empty_axis_is_refused(axis):
    values = [block for block in re.split(r"(?=^\[)", GOOD, flags=re.M) if axis not in block.split("\n")[0]]
    text = "".join(block for block in values if axis != "models" or not block.startswith("[models"))
    assert f"{axis}: give at least one; each begins with [[{axis}]]" in refusal(text)


def test_a_data_set_without_a_model_is_refused():
    text = GOOD + '\n[[datasets]]\nname = "b"\nsource = "galaxies"\n'
    text = text.replace("components = 2", 'components = 2\ndatasets = ["eight"]')
    assert 'no model applies to "b"' in refusal(text)


def test_every_fault_is_told_at_once():
    said = refusal(
        changed("seed = 7", "sede = 7").replace("n = 8", "n = 2.5").replace("starts = 5", "start = 5")
    )
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "sede",
        "datasets[1].n",
        "methods[1].start",
    ]


def test_text_that_is_not_toml_is_refused_with_line_and_column():
    assert re.search(
        r"study.toml is not TOML: .*\(at line 2, column \d+\)", refusal('name = "x"\nseed = = 3\n')
    )


def test_a_missing_file_and_one_that_is_not_text(tmp_path):
    with pytest.raises(InputError, match="there is no configuration"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text in UTF-8"):
        load_config(tmp_path / "bytes.toml")
    with pytest.raises(InputError, match="is a folder; give a file"):
        load_config(tmp_path)


def test_a_data_file_is_sought_beside_the_configuration(tmp_path):
    text = changed('source = "simulated"\nn = 8\nmeans = [-2.0, 2.0]', 'source = "file"\npath = "d.csv"')
    (tmp_path / "c.toml").write_text(text)
    assert load_config(tmp_path / "c.toml").datasets[0].settings.path == str(tmp_path / "d.csv")


def test_shipped_configurations_are_valid():
    default = parse_config(default_config_text())
    assert [entry.kind for entry in default.methods] == ["cavi", "advi", "fullrank_advi", "nuts"]
    assert load_config(ROOT / "configs" / "galaxies.toml").models[1].mixture.n_components == 3


OWN = """\
from pydantic import BaseModel

class shrunk:
    class Settings(BaseModel):
        strength: float = 0.5

    @staticmethod
    def fit(target, settings, *, starts, seed):
        raise NotImplementedError

class half:
    pass
"""


def test_methods_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "my_elbowroom_methods.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    own = changed('kind = "cavi"\nstarts = 2', 'kind = "my_elbowroom_methods:shrunk"\nstrength = 0.25')
    assert parse_config(own).methods[1].settings.strength == 0.25
    assert 'did you mean "strength"?' in refusal(own.replace("strength", "strenght"))
    assert 'did you mean "shrunk"?' in refusal(own.replace(":shrunk", ":shrank"))
    assert "offers no Settings and no fit" in refusal(own.replace(":shrunk", ":half"))
    assert 'there is no module "my_elbowroom_method"' in refusal(own.replace("methods:", "method:"))


def test_listing_finds_files_by_name_and_reads_their_docstrings():
    assert {"cavi", "advi", "fullrank_advi", "nuts"} <= set(plugins.names("methods"))
    assert plugins.names("datasets") == ["faithful", "file", "galaxies", "simulated", "simulated_family"]
    assert "fixed" in plugins.names("weights") and "mixing" not in plugins.names("weights")
    for kind in plugins.PACKAGES:
        assert all(plugins.about(kind, name) for name in plugins.names(kind))


def test_the_schema_describes_every_plugin_and_the_shipped_configurations():
    schema = json_schema()
    json.dumps(schema)
    definitions = schema["$defs"]
    cavi = next(d for d in definitions.values() if d["properties"].get("kind", {}).get("const") == "cavi")
    assert cavi["properties"]["starts"]["minimum"] == 1 and cavi["additionalProperties"] is False


def test_the_schema_takes_every_kind_of_study_and_refuses_what_none_has():
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(validator.schema)
    tutorial = (ROOT / "docs" / "bring-your-own.md").read_text().split("```toml\n")[1].split("```")[0]
    shipped = [path.read_text() for path in sorted((ROOT / "configs").glob("*.toml"))]
    for text in (default_config_text(), tutorial, *shipped):
        values = tomllib.loads(text)
        validator.validate(values)
        assert not validator.is_valid(values | {"nmae": "x"})
        assert not validator.is_valid(values | {"methods": [{"name": "cavi", "stats": 3}]})


@pytest.mark.parametrize(
    ("word", "meant"),
    [("avdi", "advi"), ("cvai", "cavi"), ("advii", "advi"), ("cav", "cavi"), ("nust", "nuts"), ("xyz", None)],
)
def test_letters_that_are_swapped_are_one_step(word, meant):
    assert plugins.nearest(word, plugins.names("methods")) == meant
