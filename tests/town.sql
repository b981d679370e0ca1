-- A town drawn by hand at Shibei's place: six grids of 0.005 x 0.004 degrees in two rows and three columns, from 120.370, 36.080.
--
--   36.088 +----+----+----+      g<column><row>; a community is a column; the west street has columns 1 and 2
--          | 12 | 22 | 32 |
--   36.084 +----+----+----+
--          | 11 | 21 | 31 |
--   36.080 +----+----+----+
--       120.370 .375 .380 .385
INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active');

INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 1, 'grid', '37020300' || street || '00' || community || '00' || "row", format('网格 %s%s', "column", "row"),
       '37020300' || street || '00' || community, ST_Area(box::geography), ST_Multi(box)
FROM (VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1)) AS columns ("column", street, community)
CROSS JOIN generate_series(1, 2) AS "row"
CROSS JOIN LATERAL ST_MakeEnvelope(
    (120365 + 5 * "column")::double precision / 1000, (36076 + 4 * "row")::double precision / 1000,
    (120370 + 5 * "column")::double precision / 1000, (36080 + 4 * "row")::double precision / 1000, 4326
) AS box;

INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 1, 'community', parent_code, '社区 ' || right(parent_code, 1), left(parent_code, 9), sum(area_m2), ST_Multi(ST_Union(geom))
FROM gisgrid.grids GROUP BY parent_code;
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 1, 'street', parent_code, '街道 ' || right(parent_code, 1), left(parent_code, 6), sum(area_m2), ST_Multi(ST_Union(geom))
FROM gisgrid.communities GROUP BY parent_code;
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 1, 'district', parent_code, '市北区', NULL, sum(area_m2), ST_Multi(ST_Union(geom))
FROM gisgrid.streets GROUP BY parent_code;

INSERT INTO gisgrid.organizations (code, name, kind, phone) VALUES
    ('U1', '街道办一', '街道办', '0532-1'), ('U2', '社区服务站', '社区', '0532-2'), ('W1', '排水公司', '企业', '0532-3');
INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code, person_name, phone) VALUES
    ('street', '370203001', 'responsible_unit', 'U1', NULL, NULL),
    ('grid', '370203001001001', 'responsible_unit', 'U2', NULL, NULL),
    ('grid', '370203001001001', 'grid_leader', NULL, '张三', '13800000000');

-- A lattice of covers every 0.001 degrees from 120.3705, 36.0805; one of them has nothing but what it must have.
INSERT INTO gisgrid.components
    (code, scheme, edition, class_code, name, state, owner_code, installed_on, spec, geom)
SELECT '370203010200' || lpad(n::text, 4, '0'), 'CJ/T 214', '2007', '0102', '污水井盖', 'intact', 'W1', date '2019-03-07' + n,
       jsonb_build_object('material', '铸铁', 'shape', '圆形', 'size', '700'),
       ST_SetSRID(ST_MakePoint(120.3705 + 0.001 * (n % 15), 36.0805 + 0.001 * (n / 15)), 4326)
FROM generate_series(0, 119) AS n;
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
VALUES ('3702030114000001', 'CJ/T 214', '2007', '0114', ST_SetSRID(ST_MakePoint(120.3771, 36.0871), 4326));
-- Three metres east of the meridian where tiles of zoom 16 meet (column 54682 begins).
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
VALUES ('3702030114000002', 'CJ/T 214', '2007', '0114', ST_SetSRID(ST_MakePoint(54682 * 360.0 / 65536 - 180 + 0.00003, 36.0835), 4326));
-- A street lamp: a component, but no cover.
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
VALUES ('3702030118000001', 'CJ/T 214', '2007', '0118', ST_SetSRID(ST_MakePoint(120.3770, 36.0872), 4326));

INSERT INTO gisgrid.cameras (code, name, kind, status, azimuth_deg, azimuth_uncertainty_deg, field_of_view_deg, range_m, mount_height_m,
    azimuth_source, field_of_view_source, range_source, mount_height_source, owner_code, geom)
SELECT 'C' || n, '路口 ' || n, (ARRAY['fixed', 'dome', 'ptz'])[1 + n % 3], 'online', (45 * n) % 360, 22.5, 60, 80, 6,
       '8-step', 'default', 'vendor', 'measured', 'U1', ST_SetSRID(ST_MakePoint(120.3712 + 0.003 * (n % 5), 36.0812 + 0.003 * (n / 5)), 4326)
FROM generate_series(0, 9) AS n;

INSERT INTO gisgrid.buildings (code, name, address, road, house_number, building_number, community_code, use, year_built, floors, height_m,
    households, residents, geom)
SELECT 'B' || n, '楼 ' || n, '延安路' || n || '号', '延安路', n::text, '1', '370203001001', '住宅', 1980 + n % 40, 6, 18.5, 30, 75,
       ST_Multi(ST_MakeEnvelope(120.3711 + 0.0007 * (n % 19), 36.0807 + 0.0006 * (n / 19), 120.3711 + 0.0007 * (n % 19) + 0.0003,
                                36.0807 + 0.0006 * (n / 19) + 0.0002, 4326))
FROM generate_series(0, 189) AS n;

-- Two roads that cross, one of them in two parts; door plates along one; places; other names.
INSERT INTO gisgrid.roads (code, name, class, geom) VALUES
    ('R1', '延安路', '主干路', ST_GeomFromText('MULTILINESTRING((120.3702 36.0803, 120.3775 36.0803), (120.3775 36.0803, 120.3848 36.0803))', 4326)),
    ('R2', '辽宁路', '支路', ST_GeomFromText('MULTILINESTRING((120.3775 36.0801, 120.3775 36.0879))', 4326));
INSERT INTO gisgrid.addresses (code, road, house_number, building_number, name, community_code, geom)
SELECT 'A' || n, '延安路', n || '号', NULL, CASE n WHEN 1 THEN '便民超市' END, '370203001001',
       ST_SetSRID(ST_MakePoint(120.3704 + 0.0008 * n, 36.0803 + 0.0001 * (1 - 2 * (n % 2))), 4326)
FROM generate_series(1, 12) AS n;
INSERT INTO gisgrid.places (code, name, kind, address, geom) VALUES
    ('P1', '延安路公交站', '公交站', '延安路', ST_SetSRID(ST_MakePoint(120.3776, 36.0804), 4326)),
    ('P2', '贮水山公园', '公园', NULL, ST_SetSRID(ST_MakePoint(120.3812, 36.0862), 4326));
INSERT INTO gisgrid.place_names (code, name, of_layer, of_code, kind, valid_from, valid_to, source) VALUES
    ('N1', '四方区', 'districts', '370203', 'old', NULL, '2012-12-01', '区划调整'),
    ('N2', '若鹤町', 'roads', 'R2', 'old', '1914-11-07', '1922-12-10', '地名志'),
    ('N3', '水塔公园', 'places', 'P2', 'alias', NULL, NULL, NULL);

-- What is doubtful: a point, a line and an area; one has no place at all.
INSERT INTO gisgrid.quality_issues (generation_id, layer, feature_code, code, severity, message, geom) VALUES
    (NULL, 'cameras', 'C0', 'unlikely_value', 'warning', 'Range of 80 m', ST_SetSRID(ST_MakePoint(120.3712, 36.0812), 4326)),
    (1, 'grids', '370203001001001', 'gap', 'error', 'A gap of 1 m', ST_SetSRID(ST_MakeLine(ST_MakePoint(120.371, 36.082), ST_MakePoint(120.379, 36.0845)), 4326)),
    (1, 'grids', '370203001002001', 'overlap', 'error', 'Overlaps its neighbour', ST_MakeEnvelope(120.374, 36.081, 120.380, 36.086, 4326)),
    (1, 'districts', '370203', 'area_out_of_range', 'info', 'Smaller than usual', NULL);

-- Cases of a day, one of them nowhere.
INSERT INTO gisgrid.cases_all (number, state, source, category, kind, class_code, description, address, district_code, street_code,
    community_code, grid_code, unit_code, reported_at, reported_on, due_at, decided, geom)
SELECT '20260301-' || lpad(n::text, 6, '0'), (ARRAY['assigned', 'needs_review', 'closed'])[1 + n % 3], '12345热线', '暴露垃圾', 'event', '06010',
       '楼下堆放大量生活垃圾', '延安路' || n || '号', '370203', '370203001', '370203001001', '370203001001001', 'U1',
       timestamptz '2026-03-01 08:00:00+08' + n * interval '10 minutes', date '2026-03-01', timestamptz '2026-03-02 12:00:00+08',
       jsonb_build_object(
           'source', '12345热线', 'category', jsonb_build_object('text', '暴露垃圾', 'kind', 'event', 'name', '暴露垃圾', 'class_code', '06010',
               'scheme', 'GB/T 47678.5', 'edition', '2026', 'how', 'name'),
           'kind', 'event', 'description', '楼下堆放大量生活垃圾', 'address', '延安路' || n || '号',
           'reported_at', to_char(timestamptz '2026-03-01 08:00:00+08' + n * interval '10 minutes', 'YYYY-MM-DD"T"HH24:MI:SSOF'),
           'position', NULL, 'grid', NULL, 'community', NULL, 'street', NULL, 'district', NULL, 'unit', NULL, 'limit', NULL, 'due_at', NULL,
           'review', NULL, 'component', NULL, 'reasons', '[]'::jsonb, 'grid_candidates', '[]'::jsonb, 'geocoding', NULL,
           'cameras', '[]'::jsonb, 'boundaries', jsonb_build_object('generation_id', 1, 'data_version', 1), 'rules_version', 0
       ),
       CASE WHEN n < 30 THEN ST_SetSRID(ST_MakePoint(120.3708 + 0.0025 * (n % 6), 36.0808 + 0.0015 * (n / 6)), 4326) END
FROM generate_series(0, 30) AS n;

-- What is not served any more: none of it may appear anywhere.
INSERT INTO gisgrid.cameras_all (code, name, geom, retired_at)
VALUES ('C-gone', '拆除', ST_SetSRID(ST_MakePoint(120.3712, 36.0812), 4326), now());
INSERT INTO gisgrid.buildings_all (code, name, geom, retired_at)
VALUES ('B-gone', '拆除', ST_Multi(ST_MakeEnvelope(120.3711, 36.0807, 120.3714, 36.0809, 4326)), now());
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, geom, retired_at)
VALUES ('3702030102009999', 'CJ/T 214', '2007', '0102', '拆除', ST_SetSRID(ST_MakePoint(120.3705, 36.0805), 4326), now());
INSERT INTO gisgrid.roads_all (code, name, geom, retired_at)
VALUES ('R-gone', '断头路', ST_GeomFromText('MULTILINESTRING((120.3702 36.0803, 120.3775 36.0803))', 4326), now());
INSERT INTO gisgrid.addresses_all (code, road, house_number, geom, retired_at)
VALUES ('A-gone', '延安路', '3号', ST_SetSRID(ST_MakePoint(120.3728, 36.0802), 4326), now());
INSERT INTO gisgrid.places_all (code, name, geom, retired_at)
VALUES ('P-gone', '老车站', ST_SetSRID(ST_MakePoint(120.3776, 36.0804), 4326), now());
INSERT INTO gisgrid.place_names (code, name, of_layer, of_code, retired_at) VALUES ('N-gone', '误名', 'roads', 'R1', now());
