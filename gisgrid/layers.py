"""The catalogue of layers: one declaration each, from which tables, tiles, documents and checks take their names.

The id of a layer is at once the table or view in PostGIS, the OGC collection, the layer in a tile and the key in a
source description. Field names are the same everywhere too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from gisgrid.errors import NotFoundError
from gisgrid.types import Level

FieldType = Literal["text", "integer", "number", "date"]
"""The type of a field's values."""

GeometryType = Literal["MultiPolygon", "MultiLineString", "Point", "Geometry"]
"""The type of a layer's geometries; ``Geometry`` is any."""


class Field(NamedTuple):
    """One attribute of a layer: ``unit`` as in ``m`` or ``deg``; in tiles from zoom ``min_zoom`` on, if ``in_tiles``.

    ``choices`` are all the values there are, where the database takes no others. What is ``worked_out`` from the rest of a
    feature cannot be edited; ``kept_in`` is the JSON column that holds the value where it has no column of its own.
    """

    name: str
    type: FieldType
    title_zh: str
    title_en: str
    unit: str = ""
    min_zoom: int = 0
    in_tiles: bool = True
    choices: tuple[str, ...] = ()
    worked_out: bool = False
    kept_in: str = ""


class Importance(NamedTuple):
    """What of a layer is shown first where not all of it is: by the values of ``field``, all other values after ``first``.

    Without a field the largest come first. Of equals the one with the smallest id does.
    """

    field: str = ""
    first: tuple[str, ...] = ()


class Layer(NamedTuple):
    """One layer: where it is stored, what it holds, from which zoom it is drawn, whether anybody may see it.

    ``table`` is the table in schema ``gisgrid`` that holds the rows, ``id`` the table or view that shows them.
    ``level`` is set for layers of areas; ``loadable`` says that sources may deliver it. Tiles exist from ``min_zoom`` to
    ``max_zoom``; clients overzoom beyond. At zooms before ``thinned_below`` a tile shows the most important feature of each cell of
    a lattice only, with a ``feature_count``; None: always all of them. ``temporal`` is the field of days that a period of time is
    asked for by; without one a feature is there at all times.
    """

    id: str
    title_zh: str
    title_en: str
    geometry: GeometryType
    table: str
    fields: tuple[Field, ...]
    min_zoom: int
    max_zoom: int = 18
    level: Level | None = None
    public: bool = True
    loadable: bool = True
    thinned_below: int | None = None
    importance: Importance = Importance()
    temporal: str = ""

    def field(self, name: str) -> Field:
        """Return the field called ``name``; raises NotFoundError when the layer has none of that name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise NotFoundError(f"Layer {self.id} has no field {name!r}.", f"Fields: {', '.join(f.name for f in self.fields)}.")

    def tile_fields(self, zoom: int) -> tuple[Field, ...]:
        """Return the fields that a tile of this layer carries at ``zoom``."""
        return tuple(field for field in self.fields if field.in_tiles and field.min_zoom <= zoom)


def _area_fields(more_from: int) -> tuple[Field, ...]:
    """Return the fields of areas, of which all but the code come with zoom ``more_from``."""
    return (
        Field("code", "text", "代码", "Code"),
        Field("name", "text", "名称", "Name", min_zoom=more_from),
        Field("parent_code", "text", "上级代码", "Parent code", min_zoom=more_from),
        Field("area_m2", "number", "面积", "Area", "m2", min_zoom=more_from, worked_out=True),
    )


def _areas(id: str, level: Level, titles: tuple[str, str], min_zoom: int, more_from: int = 0) -> Layer:
    return Layer(id, *titles, "MultiPolygon", "areas", _area_fields(more_from), min_zoom, level=level)


LAYERS: tuple[Layer, ...] = (
    _areas("districts", "district", ("区", "Districts"), 4),
    _areas("streets", "street", ("街道", "Streets"), 8),
    _areas("communities", "community", ("社区", "Communities"), 10),
    _areas("grids", "grid", ("责任网格", "Responsibility grids"), 11, more_from=12),
    Layer(
        "roads",
        "道路",
        "Roads",
        "MultiLineString",
        "roads_all",
        (
            Field("code", "text", "道路编码", "Road code", in_tiles=False),
            Field("name", "text", "路名", "Road name"),
            Field("class", "text", "等级", "Class"),
        ),
        11,
        importance=Importance("class", ("快速路", "motorway", "trunk", "主干路", "primary", "次干路", "secondary", "tertiary")),
    ),
    Layer(
        "manhole_covers",
        "井盖",
        "Manhole covers",
        "Point",
        "components",
        (
            Field("code", "text", "部件标识码", "Component code"),
            Field("scheme", "text", "编码标准", "Code scheme", in_tiles=False),
            Field("edition", "text", "标准版本", "Edition of the scheme", in_tiles=False),
            Field("class_code", "text", "类别代码", "Class code"),
            Field("class_name", "text", "类别名称", "Class name", in_tiles=False, worked_out=True),
            Field("kind", "text", "井盖种类", "Kind of cover", in_tiles=False, worked_out=True),
            Field("name", "text", "部件名称", "Component name"),
            Field("state", "text", "状态", "State", choices=("intact", "broken", "missing", "abandoned", "removed", "unknown")),
            Field("department_code", "text", "主管部门代码", "Department in charge"),
            Field("owner_code", "text", "权属单位代码", "Owner", min_zoom=16),
            Field("maintainer_code", "text", "养护单位代码", "Maintainer", min_zoom=16),
            Field("installed_on", "date", "初始日期", "Installed on", min_zoom=16),
            Field("changed_on", "date", "变更日期", "Changed on", in_tiles=False),
            Field("data_source", "text", "数据来源", "Data source", in_tiles=False),
            Field("material", "text", "材质", "Material", min_zoom=16, kept_in="spec"),
            Field("shape", "text", "形状", "Shape", min_zoom=16, kept_in="spec"),
            Field("size", "text", "规格", "Size", "mm", min_zoom=16, kept_in="spec"),
            Field("note", "text", "备注", "Note", in_tiles=False),
        ),
        10,
        thinned_below=14,
        importance=Importance("state", ("missing", "broken")),
        temporal="installed_on",
    ),
    Layer(
        "buildings",
        "楼院",
        "Buildings",
        "MultiPolygon",
        "buildings_all",
        (
            Field("code", "text", "楼号编码", "Building code", min_zoom=15),
            Field("name", "text", "名称", "Name", min_zoom=15),
            Field("address", "text", "地址", "Address", min_zoom=15),
            Field("road", "text", "道路", "Road", min_zoom=16),
            Field("house_number", "text", "门牌号", "House number", min_zoom=15),
            Field("building_number", "text", "楼号", "Building number", min_zoom=15),
            Field("community_code", "text", "社区代码", "Community code", in_tiles=False),
            Field("use", "text", "用途", "Use"),
            Field("year_built", "integer", "建成年份", "Year built", min_zoom=16),
            Field("floors", "integer", "层数", "Floors"),
            Field("height_m", "number", "高度", "Height", "m"),
            Field("households", "integer", "户数", "Households", in_tiles=False),
            Field("residents", "integer", "人口", "Residents", in_tiles=False),
        ),
        12,
        thinned_below=14,
    ),
    Layer(
        "cameras",
        "摄像头",
        "Cameras",
        "Point",
        "cameras_all",
        (
            Field("code", "text", "设备编码", "Device code"),
            Field("name", "text", "名称", "Name", min_zoom=16),
            Field("kind", "text", "类型", "Kind", choices=("fixed", "dome", "ptz")),
            Field("status", "text", "状态", "Status", choices=("online", "offline", "fault")),
            Field("azimuth_deg", "number", "方位角", "Azimuth", "deg"),
            Field("azimuth_uncertainty_deg", "number", "方位角误差", "Azimuth uncertainty", "deg", min_zoom=16),
            Field("field_of_view_deg", "number", "视场角", "Field of view", "deg"),
            Field("range_m", "number", "可视距离", "Range", "m"),
            Field("mount_height_m", "number", "安装高度", "Mount height", "m", min_zoom=16),
            Field("azimuth_source", "text", "方位角来源", "Source of the azimuth", in_tiles=False),
            Field("field_of_view_source", "text", "视场角来源", "Source of the field of view", in_tiles=False),
            Field("range_source", "text", "可视距离来源", "Source of the range", in_tiles=False),
            Field("mount_height_source", "text", "安装高度来源", "Source of the mount height", in_tiles=False),
            Field("owner_code", "text", "建设单位代码", "Owner", min_zoom=16),
        ),
        10,
        thinned_below=14,
        importance=Importance("status", ("fault", "offline")),
    ),
    Layer(
        "addresses",
        "门牌",
        "Address points",
        "Point",
        "addresses_all",
        (
            Field("code", "text", "门牌编码", "Address code", in_tiles=False),
            Field("road", "text", "道路", "Road"),
            Field("house_number", "text", "门牌号", "House number"),
            Field("building_number", "text", "楼号", "Building number"),
            Field("name", "text", "名称", "Name"),
            Field("community_code", "text", "社区代码", "Community code", in_tiles=False),
        ),
        16,
    ),
    Layer(
        "places",
        "地点",
        "Places",
        "Point",
        "places_all",
        (
            Field("code", "text", "地点编码", "Place code"),
            Field("name", "text", "名称", "Name"),
            Field("kind", "text", "类别", "Kind"),
            Field("address", "text", "地址", "Address", min_zoom=16),
        ),
        14,
    ),
    Layer(
        "quality_issues",
        "质量问题",
        "Quality issues",
        "Geometry",
        "quality_issues",
        (
            Field("code", "text", "检查代码", "Check"),
            Field("severity", "text", "严重程度", "Severity"),
            Field("layer", "text", "图层", "Layer"),
            Field("feature_code", "text", "要素代码", "Feature code"),
            Field("message", "text", "说明", "Message", min_zoom=12),
            Field("created_on", "date", "发现日期", "Found on", in_tiles=False),
        ),
        8,
        loadable=False,
        importance=Importance("severity", ("error", "warning")),
        temporal="created_on",
    ),
    Layer(
        "cases",
        "案件",
        "Cases",
        "Point",
        "cases_all",
        (
            Field("code", "text", "案件编号", "Case number", min_zoom=14),
            Field("category", "text", "案件类别", "Category", min_zoom=12),
            Field("kind", "text", "部件或事件", "Kind", choices=("component", "event")),
            Field("class_code", "text", "类别代码", "Class code"),
            Field("state", "text", "办理状态", "State", choices=("assigned", "needs_review", "closed", "void")),
            Field("source", "text", "案件来源", "Source", min_zoom=12),
            Field("street_code", "text", "街道代码", "Street code", min_zoom=12),
            Field("community_code", "text", "社区代码", "Community code", in_tiles=False),
            Field("grid_code", "text", "网格代码", "Grid code", min_zoom=12),
            Field("unit_code", "text", "责任单位代码", "Unit code", min_zoom=12),
            Field("reported_at", "text", "上报时间", "Reported at", min_zoom=12),
            Field("reported_on", "date", "上报日期", "Reported on"),
            Field("due_at", "text", "处置时限", "Due at"),
        ),
        10,
        loadable=False,
        thinned_below=14,
        importance=Importance("state", ("needs_review", "assigned")),
        temporal="reported_on",
    ),
)
"""Every layer, in drawing order from the bottom up."""

REJECTED_ROWS = Layer(
    "rejected_rows",
    "被拒记录",
    "Rejected rows",
    "Geometry",
    "ingest_rejects",
    (
        Field("layer", "text", "图层", "Layer"),
        Field("source_id", "text", "数据源", "Source"),
        Field("row_number", "integer", "行号", "Row number"),
        Field("code", "text", "检查代码", "Check"),
        Field("field", "text", "字段", "Field"),
        Field("message", "text", "说明", "Message"),
        Field("raw", "text", "原始记录", "The row as it came"),
        Field("rejected_on", "date", "拒收日期", "Rejected on"),
    ),
    8,
    public=False,
    loadable=False,
    temporal="rejected_on",
)
"""Rows of sources that were not loaded: for editors, not for maps. Not one of ``LAYERS``: it has no tiles and no feed."""

_BY_ID = {layer.id: layer for layer in LAYERS}
AREA_LAYERS: dict[Level, Layer] = {layer.level: layer for layer in LAYERS if layer.level is not None}
"""The layer of each level of areas."""


def layer(id: str) -> Layer:
    """Return the layer called ``id``; raises NotFoundError that lists the layers there are."""
    try:
        return _BY_ID[id]
    except KeyError:
        raise NotFoundError(f"There is no layer {id!r}.", f"Layers: {', '.join(_BY_ID)}.") from None


def layers(ids: Iterable[str]) -> tuple[Layer, ...]:
    """Return the layers called ``ids`` in that order; raises NotFoundError for the first that does not exist."""
    return tuple(layer(id) for id in ids)
